import Testing

/// How many clients may be connected (`limits.connections`).
@Suite("Connection limit")
struct ConnectionLimitTests {
    /// Clients with a second request that has begun, and so holds their place.
    private func clients(_ count: Int, of proxy: ProxyUnderTest) throws -> [Wire] {
        let clients = try (0..<count).map { _ in
            try proxy.connect(sending: get() + "GET / HTTP/1.1\r\n")
        }
        for client in clients { #expect(try client.readMessage().status == 200) }
        return clients
    }

    private static let rest = "Host: test.example\r\nConnection: close\r\n\r\n"

    @Test("one client more than the limit waits until another leaves", arguments: [1, 2])
    func limit(workers: Int) throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(
            to: backend, settings: "limits: {connections: 3}", workers: workers)
        let clients = try clients(3, of: proxy)
        let waiting = try (0..<workers).map { _ in try proxy.connect(sending: get()) }
        for client in waiting { #expect(client.isQuiet(for: .milliseconds(100))) }
        for client in clients {
            try client.send(Self.rest)
            #expect(try client.readMessage().status == 200)
        }
        for client in waiting { #expect(try client.readMessage().status == 200) }
    }

    @Test("a client address has as many connections as it may, and a 503 for the next")
    func perClient() throws {
        let proxy = try ProxyUnderTest(
            to: ScriptedBackend(), settings: "limits: {connectionsPerClient: 2}")
        let clients = try (0..<2).map { _ in try proxy.connect(sending: get()) }
        for client in clients { #expect(try client.readMessage().status == 200) }
        let refusal = try proxy.connect().readMessage()
        #expect(refusal.status == 503 && refusal["Retry-After"] == "2")
        #expect(refusal["Connection"] == "close")
        try clients[0].send(get("/", "Connection: close"))
        #expect(try clients[0].readMessage().status == 200)
        #expect(try clients[0].readToEnd().text == "")
        #expect(try proxy.exchange(get()).status == 200)
    }

    @Test("a trusted peer speaks for many clients, and is not counted")
    func trustedPeer() throws {
        let proxy = try ProxyUnderTest(
            to: ScriptedBackend(),
            settings: """
                clientIP: {from: x-forwarded-for, trusted: [127.0.0.0/8]}
                limits: {connectionsPerClient: 1}
                """)
        let clients = try (0..<3).map { _ in try proxy.connect(sending: get()) }
        for client in clients { #expect(try client.readMessage().status == 200) }
    }

    @Test("above limits.memory clients wait, and are served when there is room again")
    func memory() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend, settings: "limits: {memory: 1m}")
        let client = try proxy.connect(sending: get())
        #expect(client.isQuiet(for: .milliseconds(200)))
        proxy.reload("routes: [{backends: [\"\(backend.address)\"]}]")
        #expect(try client.readMessage().status == 200)
    }

    @Test("the place of a client that has left is free again")
    func release() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend, settings: "limits: {connections: 1}")
        for _ in 0..<10 {
            // The end is seen only when the place is free.
            let client = try proxy.connect(sending: get("/", "Connection: close"))
            #expect(try client.readMessage().status == 200)
            #expect(try client.readToEnd().text == "")
            client.close()
        }
    }

    @Test("many clients at once are all served, over few connections", arguments: [1, 2])
    func many(workers: Int) throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend, workers: workers)
        let clients = try (0..<100).map { _ in try proxy.connect() }
        for round in 0..<3 {
            for client in clients { try client.send(get("/\(round)")) }
            for client in clients { #expect(try client.readMessage().status == 200) }
        }
        #expect(backend.connectionCount <= 100)
        #expect(backend.failures == [])
    }

    @Test("a listener has a limit of its own, which others do not feel", arguments: [1, 2])
    func listener(workers: Int) throws {
        let proxy = try ProxyUnderTest(
            to: ScriptedBackend(), workers: workers, listener: "limits: {connections: 2}",
            admin: "{address: '127.0.0.1:0'}")
        let clients = try clients(2, of: proxy)
        let waiting = try proxy.connect(sending: get())
        #expect(waiting.isQuiet(for: .milliseconds(100)))
        let metrics = try proxy.connectAdmin().asks("/metrics").bodyText
        #expect(metrics.contains("l7proxy_listener_connections{listener=\"127.0.0.1:0\"} 2\n"))
        for client in clients {
            try client.send(Self.rest)
            #expect(try client.readMessage().status == 200)
        }
        #expect(try waiting.readMessage().status == 200)
    }

    @Test("clients that hold a place and say nothing give it up for those who wait")
    func silent() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend, settings: "limits: {connections: 2}")
        let kept = try proxy.connect(sending: get())
        #expect(try kept.readMessage().status == 200)
        let mute = try proxy.connect()
        _ = try clients(2, of: proxy)
        #expect(try kept.readToEnd().text == "")
        #expect(try mute.readToEnd().text == "")
    }

    @Test("a client that was refused and sends on gives its place up for those who wait")
    func lingering() throws {
        let proxy = try ProxyUnderTest(
            to: ScriptedBackend(),
            settings: "limits: {connections: 1, requestBody: 1}\ntimeouts: {linger: 1h}")
        let refused = try proxy.connect(
            sending: head("POST / HTTP/1.1", "Host: a", "Content-Length: 9") + "on")
        #expect(try refused.readMessage().status == 413)
        #expect(try proxy.exchange(get()).status == 200)
    }

    @Test("the silent clients of one worker make room for those who wait at another")
    func silentElsewhere() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(
            to: backend, settings: "limits: {connections: 4}", workers: 2)
        var clients: [Wire] = []
        for _ in 0..<3 {
            let round = try (0..<4).map { _ in try proxy.connect(sending: get()) }
            for client in round { #expect(try client.readMessage().status == 200) }
            clients += round
        }
        #expect(clients.count == 12)
    }

    @Test("while others wait, an answer ends its connection, and nothing is lost")
    func crowd() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(
            to: backend, settings: "limits: {connections: 1}", admin: "{address: '127.0.0.1:0'}")
        // Never silent: there is always one request more than was answered.
        let busy = try proxy.connect(sending: get() + get())
        #expect(try busy.readMessage()["Connection"] == nil)
        let waiting = try proxy.connect(sending: get())
        var last: Message
        repeat {
            try busy.send(get())
            last = try busy.readMessage()
            #expect(last.status == 200)
        } while last["Connection"] == nil
        #expect(try busy.readToEnd().text == "")
        busy.close()
        #expect(try waiting.readMessage().status == 200)
        let metrics = try proxy.connectAdmin().asks("/metrics").bodyText
        #expect(metrics.contains("l7proxy_connections_made_room_total 1\n"))
        #expect(metrics.contains("l7proxy_connections_max 1\n"))
    }

    @Test("nobody makes room where nobody waits")
    func noCrowd() throws {
        let proxy = try ProxyUnderTest(to: ScriptedBackend(), settings: "limits: {connections: 2}")
        let clients = try (0..<2).map { _ in try proxy.connect(sending: get()) }
        for _ in 0..<20 {
            for client in clients {
                #expect(try client.readMessage()["Connection"] == nil)
                try client.send(get())
            }
        }
    }

    @Test("a tunnel keeps its place however silent it is")
    func tunnel() throws {
        let backend = try ScriptedBackend { wire, _ in
            _ = try wire.readMessage(.none)
            try wire.send(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                    + "Upgrade: websocket\r\n"
                    + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
            _ = try wire.readToEnd()
        }
        let proxy = try ProxyUnderTest(to: backend, settings: "limits: {connections: 1}")
        let tunnel = try proxy.connect(
            sending: get(
                "/", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
        #expect(try tunnel.readMessage(.none).status == 101)
        let waiting = try proxy.connect(sending: get())
        #expect(waiting.isQuiet(for: .milliseconds(900)))
        #expect(tunnel.isQuiet(for: .zero))
    }
}
