import Testing

/// Clients that end their half of the connection (RFC 9112 §9.6).
@Suite("Half-closed clients")
struct HalfCloseTests {
    @Test("a client that has said all gets its answer")
    func afterRequest() throws {
        let mayAnswer = try Gate()
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            try mayAnswer.wait()
            try wire.send(ok())
        }
        let client = try ProxyUnderTest(to: backend).connect(sending: get())
        client.finishSending()
        #expect(client.isQuiet(for: .milliseconds(50)))
        mayAnswer.open()
        let response = try client.readMessage()
        #expect(response.bodyText == "hello")
        #expect(try client.readToEnd().ending == .closed)
    }

    @Test("a client that has said all gets a large answer whole")
    func largeAnswer() throws {
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            try wire.send(ok(String(repeating: "x", count: 2_000_000)))
        }
        let client = try ProxyUnderTest(to: backend).connect(receiveBuffer: 16 * 1024)
        try client.send(post("body"))
        client.finishSending()
        #expect(try client.readMessage().body.count == 2_000_000)
    }

    @Test("all requests before the end are answered")
    func pipelined() throws {
        let backend = try ScriptedBackend()
        let client = try ProxyUnderTest(to: backend).connect(sending: get() + post("b") + get())
        client.finishSending()
        for _ in 0..<3 { #expect(try client.readMessage().bodyText == "hello") }
        #expect(try client.readToEnd().ending == .closed)
    }

    @Test(
        "an end inside a head or a body is the end of the connection",
        arguments: [
            "", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n",
            head("POST / HTTP/1.1", "Host: a", "Content-Length: 10") + "part",
        ])
    func insideRequest(request: String) throws {
        let backend = try ScriptedBackend { wire, _ in _ = try wire.readToEnd() }
        let proxy = try ProxyUnderTest(to: backend)
        let client = try proxy.connect(sending: request)
        client.finishSending()
        #expect(try client.readToEnd().text == "")
    }

    @Test("a backend's half-close before its answer is the end of its answer")
    func backend() throws {
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            try wire.send("HTTP/1.1 200 OK\r\n\r\nhello")
            wire.finishSending()
            _ = try wire.readToEnd()
        }
        let client = try ProxyUnderTest(to: backend).connect(sending: get())
        #expect(try client.readMessage().bodyText == "hello")
        #expect(backend.failures == [])
    }
}
