import Testing

/// How many clients may be connected (`limits.connections`).
@Suite("Connection limit")
struct ConnectionLimitTests {
    @Test("one client more than the limit waits until another leaves", arguments: [1, 2])
    func limit(workers: Int) throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(
            to: backend, settings: "limits: {connections: 3}", workers: workers)
        let clients = try (0..<3).map { _ in try proxy.connect(sending: get()) }
        for client in clients { #expect(try client.readMessage().status == 200) }
        let waiting = try (0..<workers).map { _ in try proxy.connect(sending: get()) }
        for client in waiting { #expect(client.isQuiet(for: .milliseconds(100))) }
        for client in clients {
            try client.send(get("/", "Connection: close"))
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
}
