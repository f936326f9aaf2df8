import Testing

/// How long a client's connection lives (RFC 9112 §9.3).
@Suite("Keep-alive")
struct KeepAliveTests {
    @Test("a hundred requests go over one connection each side")
    func hundredRequests() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend)
        let client = try proxy.connect()
        for number in 0..<100 {
            try client.send(get("/\(number)"))
            let response = try client.readMessage()
            #expect(response.status == 200)
            #expect(response["Connection"] == nil)
        }
        #expect(backend.connectionCount == 1)
        #expect(backend.requests.map(\.startLine) == (0..<100).map { "GET /\($0) HTTP/1.1" })
    }

    @Test(
        "an HTTP/1.1 client that says close gets close and an end (RFC 9112 §9.6)",
        arguments: ["close", "Close", "x-name, close", "keep-alive, close"])
    func clientCloses(option: String) throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend)
        let client = try proxy.connect(sending: get("/", "Connection: \(option)"))
        let response = try client.readMessage()
        #expect(response["Connection"] == "close")
        #expect(response.bodyText == "hello")
        let rest = try client.readToEnd()
        #expect(rest.text == "" && rest.ending == .closed)
        #expect(backend.requests[0]["Connection"] == nil)
    }

    @Test("a client's close does not close the backend's connection (RFC 9110 §7.6.1)")
    func closeIsOneHop() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend)
        for _ in 0..<3 { _ = try proxy.exchange(get("/", "Connection: close")) }
        #expect(backend.connectionCount == 1)
    }

    @Test("a backend's close does not close the client's connection (RFC 9110 §7.6.1)")
    func backendCloses() throws {
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            try wire.send(ok("hello", "Connection: close"))
            _ = try wire.readToEnd()
        }
        let proxy = try ProxyUnderTest(to: backend)
        let client = try proxy.connect()
        for _ in 0..<3 {
            try client.send(get())
            let response = try client.readMessage()
            #expect(response.status == 200)
            #expect(response["Connection"] == nil)
        }
        #expect(backend.connectionCount == 3)
        #expect(backend.failures == [])
    }

    @Test("an HTTP/1.0 client without keep-alive gets close and an end (RFC 9112 §9.3)")
    func http10() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend)
        let client = try proxy.connect(sending: head("GET / HTTP/1.0", "Host: a"))
        let response = try client.readMessage()
        #expect(response.startLine == "HTTP/1.1 200 OK")
        #expect(response["Connection"] == "close")
        #expect(try client.readToEnd().ending == .closed)
    }

    @Test("close wins over keep-alive, for clients and backends (RFC 9112 §9.3)")
    func closeWins() throws {
        let both = "Connection: keep-alive, close"
        let response = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\(both)\r\n\r\nok"
        let backend = try ScriptedBackend(ScriptedBackend.answering(response))
        let proxy = try ProxyUnderTest(to: backend)
        for _ in 0..<2 {
            let client = try proxy.connect(sending: head("GET / HTTP/1.0", "Host: a", both))
            #expect(try client.readMessage()["Connection"] == "close")
            #expect(try client.readToEnd().ending == .closed)
        }
        #expect(backend.connectionCount == 2)
    }

    @Test("an HTTP/1.0 client that asks for keep-alive is told that it has it (RFC 9112 §9.3)")
    func http10KeepAlive() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend)
        let client = try proxy.connect()
        for _ in 0..<2 {
            try client.send(head("GET / HTTP/1.0", "Host: a", "Connection: Keep-Alive"))
            #expect(try client.readMessage()["Connection"] == "keep-alive")
        }
    }

    @Test(
        "an answer of our own tells an HTTP/1.0 client of its keep-alive too (RFC 9112 §9.3)")
    func http10KeepAliveLocal() throws {
        let proxy = try ProxyUnderTest(file: "routes: [{host: a.b, backends: [127.0.0.1:9]}]")
        let client = try proxy.connect(
            sending: head("GET / HTTP/1.0", "Host: a", "Connection: keep-alive"))
        let response = try client.readMessage()
        #expect(response["Connection"] == "keep-alive")
    }

    @Test("a backend of HTTP/1.0 is used once, unless it says keep-alive (RFC 9112 §9.3)")
    func http10Backend() throws {
        for (field, connections) in [("X: y", 2), ("Connection: keep-alive", 1)] {
            let response = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\(field)\r\n\r\nok"
            let backend = try ScriptedBackend(ScriptedBackend.answering(response))
            let proxy = try ProxyUnderTest(to: backend)
            let client = try proxy.connect()
            for _ in 0..<2 {
                try client.send(get())
                let response = try client.readMessage()
                #expect(response.startLine == "HTTP/1.1 200 OK")
                #expect(response["Connection"] == nil)
            }
            #expect(backend.connectionCount == connections)
        }
    }

    @Test("the last request that a connection may carry is answered with close")
    func requestsPerConnection() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend, settings: "limits: {requestsPerConnection: 3}")
        let client = try proxy.connect(sending: get("/1") + get("/2") + get("/3") + get("/4"))
        for expected in [nil, nil, "close"] {
            #expect(try client.readMessage()["Connection"] == expected)
        }
        #expect(try client.readToEnd().text == "")
        #expect(backend.requests.count == 3)
    }
}
