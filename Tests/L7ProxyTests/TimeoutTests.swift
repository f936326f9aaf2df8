import Testing

/// How long the proxy waits for whom, and what it says then.
@Suite("Timeouts")
struct TimeoutTests {
    private static let silent: ScriptedBackend.Script = { wire, _ in _ = try wire.readToEnd() }

    private func client(
        _ timeouts: String, _ script: @escaping ScriptedBackend.Script = silent
    ) throws -> Wire {
        let backend = try ScriptedBackend(script)
        return try ProxyUnderTest(to: backend, settings: "timeouts: {\(timeouts)}").connect()
    }

    @Test("a head that does not end in time is a 408 and close (RFC 9110 §15.5.9)")
    func requestHead() throws {
        let client = try client("requestHead: 250ms")
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n")
        let response = try client.readMessage()
        #expect(response.status == 408)
        #expect(response["Connection"] == "close")
        #expect(try client.readToEnd().text == "")
    }

    @Test("a head gets no more time by being sent slowly")
    func slowHead() throws {
        let client = try client("requestHead: 250ms")
        let begin = ContinuousClock.now
        try client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ")
        while client.isQuiet(for: .milliseconds(20)) {
            try client.send("a")
            try #require(ContinuousClock.now - begin < .seconds(8))
        }
        #expect(try client.readMessage().status == 408)
    }

    @Test("every head has its own time, also behind one that was answered at once")
    func headBehindHead() throws {
        let settings = "timeouts: {requestHead: 3s}"
        let file = "routes: [{host: a.b, backends: [\"127.0.0.1:9\"]}]\n" + settings
        let client = try ProxyUnderTest(file: file).connect()
        // Four times 0.9 s for two heads, of which none takes more than 1.8 s.
        let parts = [
            "GET /1 HTTP/1.1\r\n", "Host: a\r\n", "\r\nGET /2 HTTP/1.1\r\n", "X: y\r\n",
        ]
        for part in parts {
            try client.send(part)
            #expect(!client.isBroken(within: .milliseconds(900)))
        }
        try client.send("Host: a\r\n\r\n")
        #expect(try client.readMessage().status == 404)
        #expect(try client.readMessage().status == 404)
    }

    @Test("a client that asks nothing is closed without a word")
    func clientIdle() throws {
        let client = try client("clientIdle: 100ms", ScriptedBackend.answering())
        let end = try client.readToEnd()
        #expect(end.text == "" && end.ending == .closed)
    }

    @Test("a client that asks nothing more is closed without a word")
    func clientIdleAgain() throws {
        let client = try client("clientIdle: 1s", ScriptedBackend.answering())
        try client.send(get())
        #expect(try client.readMessage().status == 200)
        let end = try client.readToEnd()
        #expect(end.text == "" && end.ending == .closed)
    }

    @Test(
        "a reload that shortens a time shortens that of clients who wait already",
        arguments: [("", ""), ("GET / HTTP/1.1\r\n", "HTTP/1.1 408 ")])
    func shortened(sent: String, answer: String) throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(
            to: backend, settings: "timeouts: {clientIdle: 1h, requestHead: 1h}")
        let client = try proxy.connect(sending: get() + sent)
        #expect(try client.readMessage().status == 200)
        proxy.reload(
            """
            routes: [{backends: ["\(backend.address)"]}]
            timeouts: {clientIdle: 1ms, requestHead: 1ms}
            """)
        let end = try client.readToEnd()
        #expect(end.text.hasPrefix(answer) && end.text.isEmpty == answer.isEmpty)
    }

    @Test(
        "a body that stops is a 408 and close",
        arguments: [
            head("POST / HTTP/1.1", "Host: a", "Content-Length: 10") + "part",
            head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked") + "5\r\nhello",
        ])
    func requestBody(request: String) throws {
        let client = try client("requestBody: 150ms")
        try client.send(request)
        let response = try client.readMessage()
        #expect(response.status == 408)
        #expect(response["Connection"] == "close")
    }

    @Test("a body that goes on has all the time it needs")
    func slowBody() throws {
        let client = try client("requestBody: 2s", ScriptedBackend.answering())
        try client.send(head("POST / HTTP/1.1", "Host: a", "Content-Length: 5"))
        for _ in 0..<5 {
            #expect(client.isQuiet(for: .milliseconds(500)))
            try client.send("x")
        }
        #expect(try client.readMessage().status == 200)
    }

    @Test("a backend that does not answer is a 504 (RFC 9110 §15.6.5)")
    func backendRead() throws {
        let client = try client("backendRead: 150ms")
        try client.send(get())
        #expect(try client.readMessage().status == 504)
    }

    @Test("a backend that stops in its answer breaks it off")
    func backendStops() throws {
        let client = try client("backendRead: 150ms") { wire, _ in
            try wire.readMessage()
            try wire.send(head("HTTP/1.1 200 OK", "Content-Length: 10") + "part")
            _ = try wire.readToEnd()
        }
        try client.send(get())
        #expect(try client.readToEnd().text.hasSuffix("\r\n\r\npart"))
    }

    @Test("a backend that goes on has all the time it needs")
    func slowBackend() throws {
        let client = try client("backendRead: 2s") { wire, _ in
            try wire.readMessage()
            try wire.send(head("HTTP/1.1 200 OK", "Content-Length: 5"))
            for _ in 0..<5 {
                try demand(wire.isQuiet(for: .milliseconds(500)), "a connection that is kept")
                try wire.send("x")
            }
        }
        try client.send(get())
        #expect(try client.readMessage().bodyText == "xxxxx")
    }

    @Test("a client that takes nothing is cut off, and its backend with it")
    func clientWrite() throws {
        let isClosed = try Gate()
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            try wire.send(head("HTTP/1.1 200 OK", "Content-Length: 100000000"))
            while (try? wire.sendUntilBlocked(limit: 100_000_000)) != nil {
                if !wire.isQuiet(for: .milliseconds(100)) { break }
            }
            isClosed.open()
        }
        let proxy = try ProxyUnderTest(to: backend, settings: "timeouts: {clientWrite: 200ms}")
        let client = try proxy.connect(receiveBuffer: 16 * 1024)
        try client.send(get())
        try isClosed.wait()
        #expect(client.received.isEmpty)
    }

    @Test("a refused client that sends on and on is cut off when linger is over")
    func linger() throws {
        let client = try client("linger: 200ms")
        try client.send("BAD\r\n\r\n")
        #expect(try client.readMessage().status == 400)
        let begin = ContinuousClock.now
        while !client.isBroken(within: .milliseconds(20)) {
            try client.send("more")
            try #require(ContinuousClock.now - begin < .seconds(8))
        }
    }
}
