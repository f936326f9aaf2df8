import Testing

/// Requests that come before the answer to the one before them (RFC 9112 §9.3.2).
@Suite("Pipelining")
struct PipeliningTests {
    /// Answers with the method, the target and the body that it got.
    private static let echo: ScriptedBackend.Script = { wire, _ in
        while let request = try wire.readMessageIfAny() {
            try wire.send(ok("\(request.startLine) \(request.bodyText)"))
        }
    }

    private static let mixture =
        get("/1") + post("two") + get("/3")
        + head("POST /4 HTTP/1.1", "Host: a", "Transfer-Encoding: chunked")
        + "4\r\nfour\r\n0\r\n\r\n" + get("/5")

    private static let answers = [
        "GET /1 HTTP/1.1 ", "POST / HTTP/1.1 two", "GET /3 HTTP/1.1 ", "POST /4 HTTP/1.1 four",
        "GET /5 HTTP/1.1 ",
    ]

    @Test("requests of one packet are answered in their order")
    func onePacket() throws {
        let backend = try ScriptedBackend(PipeliningTests.echo)
        let client = try ProxyUnderTest(to: backend).connect(sending: PipeliningTests.mixture)
        for answer in PipeliningTests.answers {
            #expect(try client.readMessage().bodyText == answer)
        }
    }

    @Test("requests are answered in their order wherever their bytes are cut", arguments: 1...7)
    func cut(size: Int) throws {
        let backend = try ScriptedBackend(PipeliningTests.echo)
        let client = try ProxyUnderTest(to: backend).connect()
        var rest = Array(PipeliningTests.mixture.utf8)[...]
        while !rest.isEmpty {
            try client.send(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        for answer in PipeliningTests.answers {
            #expect(try client.readMessage().bodyText == answer)
        }
        #expect(client.isQuiet(for: .milliseconds(50)))
    }

    @Test("a body and the next request in one packet are told apart (RFC 9112 §6.3)")
    func bodyThenRequest() throws {
        let backend = try ScriptedBackend(PipeliningTests.echo)
        let client = try ProxyUnderTest(to: backend).connect(
            sending: head("POST / HTTP/1.1", "Host: a", "Content-Length: 10"))
        try client.send("0123456789" + get("/next"))
        #expect(try client.readMessage().bodyText == "POST / HTTP/1.1 0123456789")
        #expect(try client.readMessage().bodyText == "GET /next HTTP/1.1 ")
    }

    @Test("300 small requests at once are all answered, in their order")
    func burst() throws {
        let backend = try ScriptedBackend(PipeliningTests.echo)
        let client = try ProxyUnderTest(to: backend).connect(
            sending: (0..<300).map { get("/\($0)") }.joined())
        for number in 0..<300 {
            #expect(try client.readMessage().bodyText == "GET /\(number) HTTP/1.1 ")
        }
        #expect(backend.connectionCount == 1)
    }

    @Test("the next request waits until the answer before it is complete")
    func oneAtATime() throws {
        let gate = try Gate()
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            try demand(wire.isQuiet(for: .milliseconds(100)), "one request")
            try wire.send(ok("first"))
            try wire.readMessage()
            gate.open()
            try wire.send(ok("second"))
        }
        let client = try ProxyUnderTest(to: backend).connect(sending: get("/1") + get("/2"))
        #expect(try client.readMessage().bodyText == "first")
        try gate.wait()
        #expect(try client.readMessage().bodyText == "second")
    }

    @Test("a malformed request behind a good one does not take its answer away")
    func goodThenBad() throws {
        let backend = try ScriptedBackend(PipeliningTests.echo)
        let client = try ProxyUnderTest(to: backend).connect(
            sending: get("/good") + "BAD\r\n\r\n")
        #expect(try client.readMessage().bodyText == "GET /good HTTP/1.1 ")
        let refusal = try client.readMessage()
        #expect(refusal.status == 400)
        #expect(refusal["Connection"] == "close")
        #expect(try client.readToEnd().text == "")
    }

    @Test("what follows a request with close is not read as a request (RFC 9112 §9.6)")
    func behindClose() throws {
        let backend = try ScriptedBackend(PipeliningTests.echo)
        let proxy = try ProxyUnderTest(to: backend)
        let client = try proxy.connect(sending: get("/1", "Connection: close") + get("/2"))
        #expect(try client.readMessage().bodyText == "GET /1 HTTP/1.1 ")
        #expect(try client.readToEnd().text == "")
        proxy.stop()
        backend.finish()
        #expect(backend.requests.count == 1)
    }

    @Test("one empty line before a request is passed over (RFC 9112 §2.2)")
    func emptyLine() throws {
        let backend = try ScriptedBackend(PipeliningTests.echo)
        let client = try ProxyUnderTest(to: backend).connect(
            sending: post("body") + "\r\n" + get("/2"))
        #expect(try client.readMessage().bodyText == "POST / HTTP/1.1 body")
        #expect(try client.readMessage().bodyText == "GET /2 HTTP/1.1 ")
    }
}
