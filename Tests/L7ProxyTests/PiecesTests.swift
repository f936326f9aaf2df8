import Testing

/// TCP has no messages: whatever is sent may come in any pieces, each in a read of its own.
@Suite("Messages in pieces")
struct PiecesTests {
    /// Sends so that each piece is read alone, or nearly always so.
    private static func send(_ text: String, in size: Int, on wire: Wire) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            try wire.send(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
            if !rest.isEmpty { _ = wire.isQuiet(for: .milliseconds(3)) }
        }
    }

    private static let trailers = "0;last\r\nX-Sum: 1\r\n\r\n"

    @Test(
        "a request arrives whole", arguments: [1, 2, 7, 16, 61],
        [
            post("some body"), post("a", "Expect: 100-continue"),
            head("PUT / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked")
                + "5;x=y\r\nsome \r\n04\r\nbody\r\n" + trailers,
        ])
    func request(size: Int, request: String) throws {
        let backend = try ScriptedBackend()
        let client = try ProxyUnderTest(to: backend).connect()
        try PiecesTests.send(request, in: size, on: client)
        #expect(try client.readMessage().status == 200)
        #expect(["some body", "a"].contains(backend.requests[0].bodyText))
        #expect(backend.failures == [])
    }

    @Test(
        "a response arrives whole", arguments: [1, 2, 7, 16, 61],
        [
            ok("some body"), head("HTTP/1.1 103 Early Hints", "Link: </a>") + ok("some body"),
            head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
                + "5;x=y\r\nsome \r\n04\r\nbody\r\n" + trailers,
            "HTTP/1.0 200 OK\r\n\r\nsome body",
        ])
    func response(size: Int, response: String) throws {
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            try PiecesTests.send(response, in: size, on: wire)
        }
        let client = try ProxyUnderTest(to: backend).connect(sending: get())
        let first = try client.readMessage()
        let answer = first.status == 103 ? try client.readMessage() : first
        #expect(answer.status == 200)
        #expect(answer.bodyText == "some body")
        // Nothing is left over that the next answer would begin with.
        try client.send(get())
        #expect(try client.readMessage().startLine == first.startLine)
    }

    @Test("a handshake and the bytes behind it arrive whole", arguments: [1, 5, 40])
    func tunnel(size: Int) throws {
        let accepted = head("HTTP/1.1 101 Go", "Upgrade: chat", "Connection: upgrade")
        let backend = try ScriptedBackend { wire, _ in
            _ = try wire.read(until: "\r\n\r\n")
            try PiecesTests.send(accepted + "welcome", in: size, on: wire)
            _ = try wire.read(until: "early")
        }
        let proxy = try ProxyUnderTest(to: backend, annotations: "upgrade-protocols: chat")
        let client = try proxy.connect()
        try PiecesTests.send(
            get("/", "Connection: upgrade", "Upgrade: chat") + "early", in: size, on: client)
        #expect(try client.readMessage(.none).status == 101)
        #expect(try client.readToEnd().text == "welcome")
        #expect(backend.received[0].hasSuffix("\r\n\r\nearly"))
    }

    @Test("large heads arrive whole in small pieces")
    func largeHeads() throws {
        let fields = (1...100).map { "X-\($0): " + String(repeating: "v", count: 280) }
        let lines = fields.joined(separator: "\r\n")
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            try PiecesTests.send(ok("hello", lines), in: 900, on: wire)
            _ = try wire.readToEnd()
        }
        let client = try ProxyUnderTest(to: backend).connect()
        try PiecesTests.send(get("/", lines), in: 900, on: client)
        let response = try client.readMessage()
        #expect(response.bodyText == "hello")
        for (line, message) in [(1, response), (1, backend.requests[0])] {
            let kept = message.lines.dropFirst(line).filter { fields.contains($0) }
            #expect(kept == fields)
        }
    }

    @Test("a refusal does not depend on where the bytes are cut", arguments: [1, 3, 20])
    func refusal(size: Int) throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend)
        let client = try proxy.connect()
        // The end of the message may meet a connection that is closed already.
        try? PiecesTests.send(
            get("/", "Content-Length: 5", "Transfer-Encoding: chunked"), in: size, on: client)
        #expect(try client.readMessage().status == 400)
        proxy.stop()
        backend.finish()
        #expect(backend.connectionCount == 0)
    }
}
