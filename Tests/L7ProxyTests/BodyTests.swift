import Testing

/// Bodies cross the proxy whole, at the pace of the slower side (RFC 9112 §6 and §7).
@Suite("Bodies")
struct BodyTests {
    private static let chunkedHead = head(
        "POST / HTTP/1.1", "Host: test.example", "Transfer-Encoding: chunked")

    private func received(_ request: String) throws -> Message {
        let backend = try ScriptedBackend()
        #expect(try ProxyUnderTest(to: backend).exchange(request).status == 200)
        return try #require(backend.requests.first)
    }

    @Test("a body of known length keeps its length and its bytes")
    func length() throws {
        let request = try received(post("some body"))
        #expect(request["Content-Length"] == "9")
        #expect(request["Transfer-Encoding"] == nil)
        #expect(request.bodyText == "some body")
    }

    @Test("a length of zero is passed on (RFC 9110 §8.6)")
    func zeroLength() throws {
        #expect(try received(post(""))["Content-Length"] == "0")
    }

    @Test("chunks are framed anew: extensions end here, and trailers that frame (RFC 9112 §7.1)")
    func chunks() throws {
        let body =
            "5;name=value;quoted=\"x y\"\r\nhello\r\n0006\r\n world\r\n000;last\r\n"
            + "X-Trailer: 1\r\nContent-Length: 3\r\n\r\n"
        let request = try received(BodyTests.chunkedHead + body)
        #expect(request.bodyText == "hello world")
        #expect(request["Content-Length"] == nil)
        #expect(request.all("Transfer-Encoding") == ["chunked"])
        let raw = String(decoding: request.rawBody, as: UTF8.self)
        #expect(raw == "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n")
    }

    @Test("a body that comes a byte at a time arrives whole", arguments: [false, true])
    func byteAtATime(isChunked: Bool) throws {
        let body = "3\r\nabc\r\n2;x\r\nde\r\n0\r\nX-Y: z\r\n\r\n"
        let request = isChunked ? BodyTests.chunkedHead + body : post("abcde")
        let backend = try ScriptedBackend()
        let client = try ProxyUnderTest(to: backend).connect()
        for byte in Array(request.utf8) { try client.send([byte]) }
        #expect(try client.readMessage().status == 200)
        #expect(backend.requests[0].bodyText == "abcde")
    }

    @Test(
        "a response whose head comes in pieces, and its body later, arrives whole",
        arguments: [0, 1, 4])
    func headInPieces(early: Int) throws {
        let whole = Array(ok("abcde").utf8)
        let cuts = [8, whole.count - 7, whole.count - 5 + early, whole.count]
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            var start = 0
            for end in cuts {
                try wire.send(Array(whole[start..<end]))
                // Each piece comes alone.
                _ = wire.isQuiet(for: .milliseconds(50))
                start = end
            }
        }
        let client = try ProxyUnderTest(to: backend).connect(sending: get())
        let response = try client.readMessage()
        #expect(response.bodyText == "abcde")
    }

    @Test(
        "a response that comes a byte at a time arrives whole", arguments: [false, true])
    func responseByteAtATime(isChunked: Bool) throws {
        let chunked =
            head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
            + "3\r\nabc\r\n2;x\r\nde\r\n0\r\nX-Y: z\r\n\r\n"
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            for byte in Array((isChunked ? chunked : ok("abcde")).utf8) { try wire.send([byte]) }
            try wire.readMessage()
            try wire.send(ok("again"))
        }
        let client = try ProxyUnderTest(to: backend).connect(sending: get())
        let response = try client.readMessage()
        #expect(response.bodyText == "abcde")
        #expect(response["X-Y"] == nil)
        try client.send(get())
        #expect(try client.readMessage().bodyText == "again")
        #expect(backend.connectionCount == 1)
    }

    @Test("chunks of a response are framed anew for HTTP/1.1 (RFC 9112 §7.1)")
    func responseChunks() throws {
        let body = "5;a=b\r\nhello\r\n06\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"
        let backend = try ScriptedBackend(
            ScriptedBackend.answering(head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + body))
        let response = try ProxyUnderTest(to: backend).exchange(get())
        #expect(response.all("Transfer-Encoding") == ["chunked"])
        let raw = String(decoding: response.rawBody, as: UTF8.self)
        #expect(raw == "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
    }

    @Test("chunks of a response are unwrapped for HTTP/1.0, and the close ends it (RFC 9112 §7.1)")
    func chunksForHTTP10() throws {
        let backend = try ScriptedBackend(
            ScriptedBackend.answering(
                head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
                    + "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"))
        let client = try ProxyUnderTest(to: backend).connect(
            sending: head("GET / HTTP/1.0", "Host: a", "Connection: keep-alive"))
        let response = try client.readMessage(.untilEnd)
        #expect(response["Transfer-Encoding"] == nil && response["Content-Length"] == nil)
        #expect(response["Connection"] == "close")
        #expect(response.bodyText == "hello world")
    }

    @Test("a body that ends with the connection leaves in chunks (RFC 9112 §6.3 item 8)")
    func closeDelimited() throws {
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            try wire.send("HTTP/1.1 200 OK\r\n\r\nhello")
            try wire.send(" world")
        }
        let proxy = try ProxyUnderTest(to: backend)
        let client = try proxy.connect(sending: get())
        let response = try client.readMessage()
        #expect(response.isChunked)
        #expect(response.bodyText == "hello world")
        try client.send(get())
        #expect(try client.readMessage().bodyText == "hello world")
        let old = try proxy.exchange(head("GET / HTTP/1.0", "Host: a"), .untilEnd)
        #expect(old["Connection"] == "close")
        #expect(!old.isChunked && old.bodyText == "hello world")
    }

    @Test(
        "no body follows HEAD, 204 and 304, whatever the fields say (RFC 9112 §6.3 item 1)",
        arguments: [
            ("HEAD", "200 OK", "Content-Length: 500"),
            ("HEAD", "200 OK", "Transfer-Encoding: chunked"), ("HEAD", "404 Not Found", "X: y"),
            ("GET", "204 No Content", "X: y"), ("GET", "304 Not Modified", "Content-Length: 500"),
        ])
    func bodiless(method: String, status: String, field: String) throws {
        let backend = try ScriptedBackend(
            ScriptedBackend.answering(head("HTTP/1.1 \(status)", field)))
        let client = try ProxyUnderTest(to: backend).connect()
        for _ in 0..<2 {
            try client.send(head("\(method) / HTTP/1.1", "Host: a"))
            let response = try client.readMessage(.none)
            #expect(response.startLine == "HTTP/1.1 \(status)")
            let length = field.hasPrefix("Content-Length") ? "500" : nil
            #expect(response["Content-Length"] == length)
        }
        #expect(client.isQuiet(for: .milliseconds(50)))
        // Whoever announces chunks may send them all the same: such a connection is used once.
        #expect(backend.connectionCount == (field.hasPrefix("Transfer-Encoding") ? 2 : 1))
    }

    @Test("a 200 with a length of zero is whole at once")
    func emptyResponse() throws {
        let backend = try ScriptedBackend(ScriptedBackend.answering(ok("")))
        let response = try ProxyUnderTest(to: backend).exchange(get())
        #expect(response["Content-Length"] == "0")
    }

    @Test("three megabytes cross unchanged in both directions", arguments: [false, true])
    func large(isChunked: Bool) throws {
        let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 9) }
        let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(content.count)"
        var body = content
        if isChunked {
            let half = content.count / 2
            body = Array("\(String(half, radix: 16))\r\n".utf8) + content[..<half]
            body += Array("\r\n\(String(half, radix: 16))\r\n".utf8) + content[half...]
            body += Array("\r\n0\r\n\r\n".utf8)
        }
        let sent = body
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            try wire.send(head("HTTP/1.1 200 OK", framing))
            try wire.send(sent)
        }
        let client = try ProxyUnderTest(to: backend).connect(
            sending: head("POST / HTTP/1.1", "Host: a", framing))
        try client.send(sent)
        #expect(try client.readMessage().body == content)
        #expect(backend.requests[0].body == content)
    }

    @Test("a client that does not read stops its backend, at the cost of the buffers")
    func responseBackpressure() throws {
        let gate = try Gate()
        let backend = try ScriptedBackend { wire, _ in
            defer { gate.open() }
            wire.set(SocketBuffer.send, 64 * 1024)
            try wire.readMessage()
            let length = SocketBuffer.tooMuch
            try wire.send(head("HTTP/1.1 200 OK", "Content-Length: \(length)"))
            let taken = try wire.sendUntilBlocked(limit: length)
            try demand(taken < SocketBuffer.onTheWayMax, "no more than \(taken) on the way")
        }
        let client = try ProxyUnderTest(to: backend).connect(receiveBuffer: 16 * 1024)
        try client.send(get())
        try gate.wait()
        #expect(backend.failures == [])
        #expect(try client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
    }

    @Test("a backend that does not read stops its client, at the cost of the buffers")
    func requestBackpressure() throws {
        let gate = try Gate()
        let backend = try ScriptedBackend { wire, _ in
            wire.set(SocketBuffer.receive, 16 * 1024)
            try gate.wait()
            try wire.readMessage()
            try wire.send(ok())
        }
        let client = try ProxyUnderTest(to: backend).connect()
        client.set(SocketBuffer.send, 64 * 1024)
        let length = SocketBuffer.tooMuch
        try client.send(head("POST / HTTP/1.1", "Host: a", "Content-Length: \(length)"))
        let taken = try client.sendUntilBlocked(limit: length)
        #expect(taken < SocketBuffer.onTheWayMax)
        gate.open()
    }
}
