import Testing

/// Backends that failing requests take out (`passiveHealth`).
@Suite("Passive health")
struct PassiveHealthTests {
    private static let persistent = "affinity: cookie, affinity-mode: persistent"

    /// A service of these backends, and a route to it.
    private func file(
        _ backends: [ScriptedBackend], _ rule: String, annotations: String = ""
    ) -> String {
        """
        services:
          web:
            backends: [\(backends.map { "\"\($0.address)\"" }.joined(separator: ", "))]
            passiveHealth: {\(rule)}
        routes: [{service: web, annotations: {\(annotations)}}]
        """
    }

    @Test("a backend that breaks three answers is asked no more", arguments: [1, 2])
    func ejection(workers: Int) throws {
        let broken = try ScriptedBackend { wire, _ in _ = try wire.readMessageIfAny() }
        let sound = try ScriptedBackend()
        let proxy = try ProxyUnderTest(
            file: file([broken, sound], "failTimeout: 1h"), workers: workers,
            backends: [broken, sound])
        var statuses: [Int?] = []
        // A POST that was sent is not sent again, so each failure shows.
        for _ in 0..<20 { statuses.append(try proxy.exchange(post("x")).status) }
        #expect(statuses.count { $0 == 502 } == 3)
        #expect(broken.connectionCount == 3)
        for _ in 0..<10 { #expect(try proxy.exchange(post("x")).status == 200) }
        #expect(broken.connectionCount == 3)
    }

    @Test("with maxFails 0 a broken backend is asked for ever")
    func never() throws {
        let broken = try ScriptedBackend { wire, _ in _ = try wire.readMessageIfAny() }
        let sound = try ScriptedBackend()
        let proxy = try ProxyUnderTest(
            file: file([broken, sound], "maxFails: 0"), backends: [broken, sound])
        for _ in 0..<20 { _ = try proxy.exchange(post("x")) }
        #expect(broken.connectionCount == 10)
    }

    @Test("one good answer between failures keeps a backend in")
    func consecutive() throws {
        let shaky = try ScriptedBackend { wire, number in
            _ = try wire.readMessageIfAny()
            if number % 3 == 2 { try wire.send(ok("x", "Connection: close")) }
        }
        let sound = try ScriptedBackend()
        let proxy = try ProxyUnderTest(
            file: file([shaky, sound], "failTimeout: 1h"), backends: [shaky, sound])
        for _ in 0..<24 { _ = try proxy.exchange(post("x")) }
        #expect(shaky.connectionCount == 12)
    }

    @Test("a session keeps its cookie while its backend is out, and comes home by a trial")
    func comesHome() throws {
        // Fails three times, then answers.
        let first = try ScriptedBackend { wire, number in
            while try wire.readMessageIfAny() != nil {
                if (1...3).contains(number) { return }
                try wire.send(ok("first", "Connection: close"))
                return
            }
        }
        let second = try ScriptedBackend(ScriptedBackend.answering(ok("second")))
        let proxy = try ProxyUnderTest(
            file: file(
                [first, second], "failTimeout: 50ms", annotations: PassiveHealthTests.persistent),
            backends: [first, second])
        var cookie: String?
        while cookie == nil {
            let response = try proxy.exchange(get())
            if response.bodyText == "first" { cookie = response.cookie }
        }
        let held = "Cookie: \(try #require(cookie))"
        for _ in 0..<3 { #expect(try proxy.exchange(post("x", held)).status == 502) }
        let moved = try proxy.exchange(post("x", held))
        #expect(moved.bodyText == "second" && moved["Set-Cookie"] == nil)
        // The time of the trial comes, and its success brings every session home.
        let end = ContinuousClock.now + .seconds(5)
        var home = moved
        while home.bodyText != "first", ContinuousClock.now < end {
            home = try proxy.exchange(get("/", held))
        }
        #expect(home.bodyText == "first" && home["Set-Cookie"] == nil)
    }

    @Test("when most backends fail, none is out")
    func panic() throws {
        let broken = try (0..<2).map { _ in
            try ScriptedBackend { wire, _ in _ = try wire.readMessageIfAny() }
        }
        let sound = try ScriptedBackend()
        let all = broken + [sound]
        let proxy = try ProxyUnderTest(file: file(all, "failTimeout: 1h"), backends: all)
        var count = 0
        for _ in 0..<30 { if try proxy.exchange(post("x")).status == 502 { count += 1 } }
        // More than the six failures after which both would be out.
        #expect(count > 6)
    }
}
