import Testing

/// Handshakes and the bytes behind them (RFC 6455 §4, RFC 9110 §7.8).
@Suite("WebSockets and other upgrades")
struct WebSocketTests {
    private static let key = "dGhlIHNhbXBsZSBub25jZQ=="

    private static func handshake(_ fields: String...) -> String {
        let lines = [
            "GET /chat HTTP/1.1", "Host: test.example", "Connection: keep-alive, Upgrade",
            "Upgrade: websocket", "Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Version: 13",
        ]
        return (lines + fields).joined(separator: "\r\n") + "\r\n\r\n"
    }

    private static let accepted = head(
        "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")

    /// Accepts, and then sends back what comes, until an end comes.
    private static let echo: ScriptedBackend.Script = { wire, _ in
        _ = try wire.read(until: "\r\n\r\n")
        try wire.send(accepted)
        while let byte = try? wire.read(exactly: 1) { try wire.send(byte) }
    }

    private func tunnel(
        _ settings: String = "", _ script: @escaping ScriptedBackend.Script = echo
    ) throws -> (client: Wire, backend: ScriptedBackend) {
        let backend = try ScriptedBackend(script)
        let client = try ProxyUnderTest(to: backend, settings: settings).connect(
            sending: WebSocketTests.handshake())
        #expect(try client.readMessage(.none).status == 101)
        return (client, backend)
    }

    @Test("a handshake passes with its fields, and its 101 too")
    func handshake() throws {
        let backend = try ScriptedBackend(WebSocketTests.echo)
        let client = try ProxyUnderTest(to: backend).connect(
            sending: WebSocketTests.handshake("Sec-WebSocket-Protocol: chat", "Origin: http://a"))
        let response = try client.readMessage(.none)
        #expect(response.startLine == "HTTP/1.1 101 Switching Protocols")
        #expect(response.all("Upgrade") == ["websocket"])
        #expect(response.all("Connection").map { $0.lowercased() } == ["upgrade"])
        #expect(response["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        let request = Message(head: try #require(backend.received.first))
        #expect(request.all("Upgrade") == ["websocket"])
        #expect(request.all("Connection").map { $0.lowercased() } == ["upgrade"])
        #expect(request["Sec-WebSocket-Key"] == WebSocketTests.key)
        #expect(request["Sec-WebSocket-Version"] == "13")
        #expect(request["Sec-WebSocket-Protocol"] == "chat")
        #expect(request["Origin"] == "http://a")
    }

    @Test("bytes go both ways untouched, whatever they are")
    func bytes() throws {
        let (client, _) = try tunnel()
        let all = (0...255).map { UInt8($0) } + Array("GET / HTTP/1.1\r\n\r\n".utf8)
        try client.send(all)
        #expect(try client.read(exactly: all.count) == all)
    }

    @Test("bytes that come glued to either head are the tunnel's first")
    func glued() throws {
        let backend = try ScriptedBackend { wire, _ in
            _ = try wire.read(until: "\r\n\r\n")
            try wire.send(WebSocketTests.accepted + "welcome")
            let first = try wire.read(exactly: 5)
            try wire.send(first)
        }
        let client = try ProxyUnderTest(to: backend).connect(
            sending: WebSocketTests.handshake() + "early")
        #expect(try client.readMessage(.none).status == 101)
        #expect(try client.readToEnd().text == "welcomeearly")
    }

    @Test("the 101 carries the affinity cookie")
    func cookie() throws {
        let backend = try ScriptedBackend(WebSocketTests.echo)
        let proxy = try ProxyUnderTest(to: backend, annotations: "affinity: cookie")
        let client = try proxy.connect(sending: WebSocketTests.handshake())
        let response = try client.readMessage(.none)
        #expect(response.cookie?.hasPrefix("INGRESSCOOKIE=") == true)
    }

    @Test("a client that has said all still hears the backend")
    func clientHalfCloses() throws {
        let (client, _) = try tunnel("") { wire, _ in
            _ = try wire.read(until: "\r\n\r\n")
            try wire.send(WebSocketTests.accepted)
            let all = try wire.readToEnd()
            try wire.send("got \(all.text), \(all.ending)")
        }
        try client.send("last words")
        client.finishSending()
        let end = try client.readToEnd()
        #expect(end.text == "got last words, closed")
        #expect(end.ending == .closed)
    }

    @Test("a backend that has said all still hears the client")
    func backendHalfCloses() throws {
        let (client, backend) = try tunnel("") { wire, _ in
            _ = try wire.read(until: "\r\n\r\n")
            try wire.send(WebSocketTests.accepted + "last words")
            wire.finishSending()
            _ = try wire.readToEnd()
        }
        #expect(try client.readToEnd().text == "last words")
        try client.send("heard")
        client.finishSending()
        backend.finish()
        #expect(backend.received[0].hasSuffix("heard"))
    }

    @Test("a reset of either side ends the other", arguments: [false, true])
    func reset(byClient: Bool) throws {
        let hasEnded = try Gate()
        let (client, _) = try tunnel("") { wire, _ in
            _ = try wire.read(until: "\r\n\r\n")
            try wire.send(WebSocketTests.accepted)
            _ = try wire.read(until: "now")
            if byClient { _ = try wire.readToEnd() } else { wire.reset() }
            hasEnded.open()
        }
        try client.send("now")
        if byClient { client.reset() } else { _ = try client.readToEnd() }
        try hasEnded.wait()
    }

    @Test("a side that does not read stops the other, at the cost of the buffers")
    func backpressure() throws {
        let mayRead = try Gate()
        let (client, backend) = try tunnel("") { wire, _ in
            wire.set(SocketBuffer.receive, 16 * 1024)
            _ = try wire.read(until: "\r\n\r\n")
            try wire.send(WebSocketTests.accepted)
            try mayRead.wait()
            _ = try wire.readToEnd()
        }
        client.set(SocketBuffer.send, 64 * 1024)
        let taken = try client.sendUntilBlocked(limit: SocketBuffer.tooMuch)
        #expect(taken < SocketBuffer.onTheWayMax)
        mayRead.open()
        client.finishSending()
        backend.finish()
        #expect(backend.received[0].utf8.count > taken)
    }

    @Test("megabytes cross in both directions at once")
    func large() throws {
        let megabytes = [UInt8](repeating: 0xAB, count: 4_000_000)
        let (client, backend) = try tunnel("") { wire, _ in
            _ = try wire.read(until: "\r\n\r\n")
            try wire.send(WebSocketTests.accepted)
            _ = try wire.read(exactly: 1_000_000)
            try wire.send(megabytes)
            _ = try wire.read(exactly: 3_000_000)
        }
        try client.send(megabytes)
        #expect(try client.read(exactly: megabytes.count) == megabytes)
        backend.finish()
        #expect(backend.failures == [])
    }

    @Test("a refused handshake gets the plain answer, and the connection lives on")
    func refused() throws {
        let backend = try ScriptedBackend(ScriptedBackend.answering(ok("no", "Upgrade: websocket")))
        let client = try ProxyUnderTest(to: backend).connect(
            sending: WebSocketTests.handshake())
        for _ in 0..<2 {
            let response = try client.readMessage()
            #expect(response.status == 200 && response.bodyText == "no")
            #expect(response["Upgrade"] == nil)
            try client.send(get())
        }
    }

    @Test("TE beside an offer of another protocol ends here, and trailers come all the same")
    func trailersBesideOffer() throws {
        let response =
            head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + "0\r\nX-Sum: 1\r\n\r\n"
        let backend = try ScriptedBackend(ScriptedBackend.answering(response))
        let handshake = WebSocketTests.handshake("TE: trailers", "Connection: TE")
        let answer = try ProxyUnderTest(to: backend).exchange(handshake)
        #expect(String(decoding: answer.rawBody, as: UTF8.self) == "0\r\nX-Sum: 1\r\n\r\n")
        let request = try #require(backend.requests.first)
        #expect(request.all("TE") == [])
        #expect(request.all("Connection").map { $0.lowercased() } == ["upgrade"])
    }

    @Test(
        "an offer of h2c is not passed on (RFC 9113 §3.1)",
        arguments: [
            "h2c", "H2C", "websocket, h2c", "h2c, websocket",
        ])
    func h2c(offer: String) throws {
        let backend = try ScriptedBackend()
        let response = try ProxyUnderTest(to: backend).exchange(
            get(
                "/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: \(offer)",
                "HTTP2-Settings: AAMAAABkAAQAAP__"))
        #expect(response.status == 200)
        let request = try #require(backend.requests.first)
        #expect(request.all("Upgrade") + request.all("HTTP2-Settings") == [])
        #expect(request["Connection"] == nil)
    }

    @Test(
        "a handshake that is none is a plain request (RFC 6455 §4.2.1)",
        arguments: [
            "GET / HTTP/1.1|Connection: Upgrade|Upgrade: websocket|Sec-WebSocket-Version: 13",
            "GET / HTTP/1.1|Connection: Upgrade|Upgrade: websocket|Sec-WebSocket-Key: \(key)",
            "GET / HTTP/1.1|Upgrade: websocket|Sec-WebSocket-Version: 13|Sec-WebSocket-Key: \(key)",
            "GET / HTTP/1.1|Connection: Upgrade|Sec-WebSocket-Version: 13|"
                + "Sec-WebSocket-Key: \(key)",
            "GET / HTTP/1.1|Connection: Upgrade|Upgrade: websocket|Sec-WebSocket-Version: 12|"
                + "Sec-WebSocket-Key: \(key)",
            "GET / HTTP/1.1|Connection: Upgrade|Upgrade: websocket|Sec-WebSocket-Version: 13|"
                + "Sec-WebSocket-Key: short",
            "POST / HTTP/1.1|Connection: Upgrade|Upgrade: websocket|Sec-WebSocket-Version: 13|"
                + "Sec-WebSocket-Key: \(key)",
            "GET / HTTP/1.0|Connection: Upgrade|Upgrade: websocket|Sec-WebSocket-Version: 13|"
                + "Sec-WebSocket-Key: \(key)",
        ])
    func invalid(request: String) throws {
        let backend = try ScriptedBackend()
        let lines = request.split(separator: "|").joined(separator: "\r\n")
        let response = try ProxyUnderTest(to: backend).exchange(lines + "\r\nHost: a\r\n\r\n")
        #expect(response.status == 200)
        #expect(backend.requests.first?["Upgrade"] == nil)
    }

    @Test(
        "a 101 that does not answer the handshake is a 502, and no tunnel (RFC 6455 §4.1)",
        arguments: [
            "Upgrade: websocket|Connection: Upgrade",
            "Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: AAAA",
            "Upgrade: h2c|Connection: Upgrade|Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            "Upgrade: websocket|Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            "Upgrade: websocket|Connection: Upgrade|Content-Length: 0|"
                + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        ])
    func invalidAnswer(fields: String) throws {
        let lines = fields.split(separator: "|").joined(separator: "\r\n")
        let answer = "HTTP/1.1 101 Switching Protocols\r\n\(lines)\r\n\r\n"
        let backend = try ScriptedBackend(ScriptedBackend.answering(answer))
        let client = try ProxyUnderTest(to: backend).connect(
            sending: WebSocketTests.handshake())
        #expect(try client.readMessage().status == 502)
        // The client's connection is still one of HTTP.
        try client.send(WebSocketTests.handshake())
        #expect(try client.readMessage().status == 502)
    }

    @Test("a backend's 426 still says which protocol it wants (RFC 9110 §15.5.22)")
    func upgradeRequired() throws {
        for (offer, expected) in [("WebSocket", ["websocket"]), ("h2c", [])] {
            let backend = try ScriptedBackend(
                ScriptedBackend.answering(
                    head(
                        "HTTP/1.1 426 Upgrade Required", "Upgrade: \(offer)",
                        "Connection: Upgrade", "Content-Length: 0")))
            let response = try ProxyUnderTest(to: backend).exchange(get())
            #expect(response.status == 426 && response.all("Upgrade") == expected)
            #expect(response.all("Connection").contains("upgrade") == !expected.isEmpty)
        }
    }

    @Test("another protocol is not offered unless its route allows it (RFC 9110 §7.8)")
    func otherProtocolRefused() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend)
        let request = get("/", "Connection: upgrade", "Upgrade: chat/1")
        #expect(try proxy.exchange(request).status == 200)
        #expect(backend.requests[0].all("Upgrade") + backend.requests[0].all("Connection") == [])
    }

    @Test("another protocol may be spoken after its 101 (RFC 9110 §7.8)")
    func otherProtocol() throws {
        let backend = try ScriptedBackend { wire, _ in
            _ = try wire.read(until: "\r\n\r\n")
            try wire.send(
                head("HTTP/1.1 101 Go", "Upgrade: chat/1", "Connection: upgrade") + "hi")
        }
        let proxy = try ProxyUnderTest(
            to: backend, annotations: "upgrade-protocols: \"tcp, Chat/1\"")
        let client = try proxy.connect(
            sending: get("/", "Connection: upgrade", "Upgrade: chat/1"))
        let response = try client.readMessage(.none)
        #expect(response.status == 101 && response["Upgrade"] == "chat/1")
        #expect(try client.readToEnd().text == "hi")
        #expect(backend.received[0].contains("\r\nUpgrade: chat/1\r\n"))
    }

    @Test("a tunnel without a byte ends when tunnelIdle is over, and not before")
    func idle() throws {
        let (client, _) = try tunnel(
            "timeouts: {tunnelIdle: 3s, clientIdle: 800ms, backendRead: 800ms}")
        for _ in 0..<4 {
            #expect(client.isQuiet(for: .seconds(1)))
            try client.send("x")
            #expect(try client.read(exactly: 1) == Array("x".utf8))
        }
        #expect(try client.readToEnd().text == "")
    }
}
