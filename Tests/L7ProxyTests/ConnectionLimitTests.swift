import Testing

/// How many clients may be connected (`limits.connections`).
@Suite("Connection limit")
struct ConnectionLimitTests {
    @Test("one client more than the limit is closed, and the others go on", arguments: [1, 2])
    func limit(workers: Int) throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(
            to: backend, settings: "limits: {connections: 3}", workers: workers)
        let clients = try (0..<3).map { _ in try proxy.connect(sending: get()) }
        for client in clients { #expect(try client.readMessage().status == 200) }
        let refused = try proxy.connect()
        #expect(try refused.readToEnd().text == "")
        for client in clients {
            try client.send(get())
            #expect(try client.readMessage().status == 200)
        }
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
