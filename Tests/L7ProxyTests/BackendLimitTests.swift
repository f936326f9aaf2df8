import Glibc
import Testing

/// Backends that carry only so many requests (`maxConnections`, `queue`).
@Suite("Backend limits")
struct BackendLimitTests {
    /// A backend that answers when the gate is open, with its name.
    private func slow(_ name: String, _ gate: Gate) throws -> ScriptedBackend {
        try ScriptedBackend { wire, _ in
            while try wire.readMessageIfAny() != nil {
                try gate.wait()
                try wire.send(ok(name))
            }
        }
    }

    private func file(
        _ backends: [ScriptedBackend], most: Int = 1, queue: String, annotations: String = ""
    ) -> String {
        let list = backends.map { "{address: \"\($0.address)\", maxConnections: \(most)}" }
        return """
            services:
              web: {backends: [\(list.joined(separator: ", "))], queue: {\(queue)}}
            routes: [{service: web, annotations: {\(annotations)}}]
            """
    }

    @Test("without a queue, one request too many is a 503 with Retry-After", arguments: [1, 2])
    func refusal(workers: Int) throws {
        let gate = try Gate()
        let backend = try slow("one", gate)
        let proxy = try ProxyUnderTest(
            file: file([backend], most: 2, queue: "length: 0"), workers: workers,
            backends: [backend])
        let clients = try (0..<2).map { _ in try proxy.connect(sending: get()) }
        backend.awaitRequests(2)
        let refusal = try proxy.exchange(get())
        #expect(refusal.status == 503 && refusal["Retry-After"] != nil)
        gate.open()
        for client in clients { #expect(try client.readMessage().status == 200) }
        #expect(try proxy.exchange(get()).status == 200)
    }

    @Test("a backend that was gone and is back has the places that it has not given back since")
    func returned() throws {
        let gate = try Gate()
        let backends = try ["one", "two"].map { try slow($0, gate) }
        let files = backends.map { file([$0], queue: "length: 0") }
        let proxy = try ProxyUnderTest(file: files[0], backends: backends)
        let client = try proxy.connect(sending: get())
        backends[0].awaitRequests(1)
        for file in [files[1], files[1], files[0]] { proxy.reload(file) }
        #expect(try proxy.exchange(get()).status == 503)
        gate.open()
        #expect(try client.readMessage().bodyText == "one")
        #expect(try proxy.exchange(get()).bodyText == "one")
    }

    @Test("as many as the queue holds wait, and are served in turn", arguments: [1, 2])
    func queue(workers: Int) throws {
        let gate = try Gate()
        let backend = try slow("one", gate)
        let proxy = try ProxyUnderTest(
            file: file([backend], queue: "length: 3"), workers: workers, backends: [backend])
        let first = try proxy.connect(sending: get())
        backend.awaitRequests(1)
        let waiting = try (0..<3).map { _ in try proxy.connect(sending: post("body")) }
        for client in waiting { #expect(client.isQuiet(for: .milliseconds(50))) }
        #expect(try proxy.exchange(get()).status == 503)
        gate.open()
        for client in [first] + waiting { #expect(try client.readMessage().status == 200) }
        #expect(backend.requests.dropFirst().allSatisfy { $0.bodyText == "body" })
    }

    @Test("who waits too long is told 503, and leaves the queue")
    func timeout() throws {
        let gate = try Gate()
        let backend = try slow("one", gate)
        let proxy = try ProxyUnderTest(
            file: file([backend], queue: "length: 1, timeout: 50ms"), backends: [backend])
        let first = try proxy.connect(sending: get())
        backend.awaitRequests(1)
        for _ in 0..<2 {
            let late = try proxy.exchange(get())
            #expect(late.status == 503 && late["Retry-After"] != nil)
        }
        gate.open()
        #expect(try first.readMessage().status == 200)
    }

    @Test("a client that leaves gives up its turn")
    func leaving() throws {
        let gate = try Gate()
        let backend = try slow("one", gate)
        let proxy = try ProxyUnderTest(
            file: file([backend], queue: "length: 1"), backends: [backend])
        let first = try proxy.connect(sending: get())
        backend.awaitRequests(1)
        let leaving = try proxy.connect(sending: get())
        #expect(leaving.isQuiet(for: .milliseconds(50)))
        leaving.reset()
        let second = try proxy.connect(sending: get())
        #expect(second.isQuiet(for: .milliseconds(50)))
        gate.open()
        #expect(try first.readMessage().status == 200)
        #expect(try second.readMessage().status == 200)
        #expect(backend.requests.count == 2)
    }

    @Test("when all is over, no backend counts a request that has looked for a place there")
    func countsAfterQueue() throws {
        let gate = try Gate()
        let backends = try [slow("one", gate), slow("two", gate)]
        let proxy = try ProxyUnderTest(
            file: file(backends, queue: "length: 4"), backends: backends,
            admin: "{address: '127.0.0.1:0'}")
        let busy = try (0..<2).map { _ in try proxy.connect(sending: get()) }
        for backend in backends { backend.awaitRequests(1) }
        let waiting = try (0..<3).map { _ in try proxy.connect(sending: get()) }
        for client in waiting { #expect(client.isQuiet(for: .milliseconds(30))) }
        gate.open()
        for client in busy + waiting { #expect(try client.readMessage().status == 200) }
        // The end of a request is counted behind its answer.
        let end = ContinuousClock.now + Wire.patience
        var counts = try requestsUnderWay(proxy)
        while counts != ["0", "0"], ContinuousClock.now < end {
            counts = try requestsUnderWay(proxy)
        }
        #expect(counts == ["0", "0"])
    }

    /// Of each backend.
    private func requestsUnderWay(_ proxy: ProxyUnderTest) throws -> [Substring] {
        try proxy.connectAdmin().asks("/metrics").bodyText.split(separator: "\n")
            .filter { $0.hasPrefix("l7proxy_backend_requests{") }
            .compactMap { $0.split(separator: " ").last }
    }

    @Test("a new client goes where there is room, a session waits for its own backend")
    func affinity() throws {
        let gate = try Gate()
        let free = try Gate()
        free.open()
        let backends = try [slow("slow", gate), slow("quick", free)]
        let proxy = try ProxyUnderTest(
            file: file(
                backends, queue: "length: 4",
                annotations: "affinity: cookie, affinity-mode: persistent"),
            backends: backends)
        var wires: [Wire] = []
        // Until the slow one has its request.
        while backends[0].requests.isEmpty {
            let wire = try proxy.connect(sending: get())
            wires.append(wire)
            if wire.isQuiet(for: .milliseconds(200)) { break }
        }
        backends[0].awaitRequests(1)
        for _ in 0..<6 { #expect(try proxy.exchange(get()).bodyText == "quick") }
        gate.open()
        let last = try #require(wires.last)
        let cookie = try #require(try last.readMessage().cookie)
        #expect(try proxy.exchange(get("/", "Cookie: \(cookie)")).bodyText == "slow")
    }
}

extension ScriptedBackend {
    /// Waits until so many requests have come.
    fileprivate func awaitRequests(_ count: Int) {
        let end = ContinuousClock.now + Wire.patience
        while requests.count < count, ContinuousClock.now < end { sched_yield() }
        if requests.count < count { Issue.record("\(count) requests did not come") }
    }
}
