import Testing

/// What SIGHUP does: the routes change, and nobody who is being served notices.
@Suite("Reload")
struct ReloadTests {
    private static func named(_ name: String) throws -> ScriptedBackend {
        try ScriptedBackend(ScriptedBackend.answering(ok(name)))
    }

    private static func file(_ backend: ScriptedBackend) -> String {
        "routes: [{backends: [\"\(backend.address)\"]}]"
    }

    @Test(
        "new routes serve the next request, also of a connection that is open", arguments: [1, 2])
    func routes(workers: Int) throws {
        let old = try ReloadTests.named("old")
        let new = try ReloadTests.named("new")
        let proxy = try ProxyUnderTest(
            file: ReloadTests.file(old), workers: workers, backends: [old, new])
        let client = try proxy.connect(sending: get())
        #expect(try client.readMessage().bodyText == "old")
        proxy.reload(ReloadTests.file(new))
        try client.send(get())
        #expect(try client.readMessage().bodyText == "new")
        #expect(try proxy.exchange(get()).bodyText == "new")
    }

    @Test("an exchange that is under way ends as it began")
    func underWay() throws {
        let mayAnswer = try Gate()
        let hasBegun = try Gate()
        let old = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            hasBegun.open()
            try mayAnswer.wait()
            try wire.send(ok("old"))
            _ = try wire.readToEnd()
        }
        let new = try ReloadTests.named("new")
        let proxy = try ProxyUnderTest(file: ReloadTests.file(old), backends: [old, new])
        let client = try proxy.connect(sending: get())
        try hasBegun.wait()
        proxy.reload(ReloadTests.file(new))
        #expect(try proxy.exchange(get()).bodyText == "new")
        mayAnswer.open()
        #expect(try client.readMessage().bodyText == "old")
        // The old backend is gone from the file: its connection is not kept.
        old.finish()
        #expect(old.failures == [])
    }

    @Test("a tunnel outlives the routes that opened it")
    func tunnel() throws {
        let old = try ScriptedBackend { wire, _ in
            _ = try wire.read(until: "\r\n\r\n")
            try wire.send(head("HTTP/1.1 101 Go", "Upgrade: chat", "Connection: upgrade"))
            while let byte = try? wire.read(exactly: 1) { try wire.send(byte) }
        }
        let new = try ReloadTests.named("new")
        let file = "annotations: {upgrade-protocols: chat}\n" + ReloadTests.file(old)
        let proxy = try ProxyUnderTest(file: file, backends: [old, new])
        let client = try proxy.connect(
            sending: get("/", "Connection: upgrade", "Upgrade: chat"))
        #expect(try client.readMessage(.none).status == 101)
        proxy.reload(ReloadTests.file(new))
        #expect(try proxy.exchange(get()).bodyText == "new")
        try client.send("still here")
        #expect(try client.read(exactly: 10) == Array("still here".utf8))
    }

    @Test("connections to a backend that stays in the file are used on")
    func poolSurvives() throws {
        let backend = try ReloadTests.named("same")
        let other = try ReloadTests.named("other")
        let proxy = try ProxyUnderTest(file: ReloadTests.file(backend), backends: [backend, other])
        for path in ["/a", "/b", "/c"] {
            #expect(try proxy.exchange(get()).bodyText == "same")
            proxy.reload(
                """
                routes:
                  - {backends: ["\(backend.address)"]}
                  - {path: \(path), backends: ["\(other.address)"]}
                """)
            #expect(try proxy.exchange(get(path)).bodyText == "other")
        }
        #expect(backend.connectionCount == 1)
    }

    @Test("idle connections to a backend that left the file are closed")
    func poolRetires() throws {
        let old = try ReloadTests.named("old")
        let new = try ReloadTests.named("new")
        let proxy = try ProxyUnderTest(file: ReloadTests.file(old), backends: [old, new])
        #expect(try proxy.exchange(get()).bodyText == "old")
        proxy.reload(ReloadTests.file(new))
        // Returns when the script has seen its connection's end.
        old.finish()
        #expect(old.failures == [])
    }

    @Test("a cookie means the same after a reload, whatever the order of the backends")
    func cookies() throws {
        let one = try ReloadTests.named("one")
        let two = try ReloadTests.named("two")
        func file(_ first: ScriptedBackend, _ second: ScriptedBackend) -> String {
            """
            routes:
              - backends: ["\(first.address)", "\(second.address)"]
                annotations: {affinity: cookie, affinity-mode: persistent}
            """
        }
        let proxy = try ProxyUnderTest(file: file(one, two), backends: [one, two])
        let first = try proxy.exchange(get())
        let cookie = try #require(first.cookie)
        proxy.reload(file(two, one))
        let second = try proxy.exchange(get("/", "Cookie: \(cookie)"))
        #expect(second.bodyText == first.bodyText)
        #expect(second["Set-Cookie"] == nil)
    }

    @Test("addresses stay with their backends over a reload")
    func addresses() throws {
        let backends = try [ReloadTests.named("one"), ReloadTests.named("two")]
        func file(_ path: String) -> String {
            """
            services:
              s: {backends: ["\(backends[0].address)", "\(backends[1].address)"]}
            routes:
              - {path: \(path), service: s, annotations: {affinity: client-ip}}
            """
        }
        let proxy = try ProxyUnderTest(file: file("/a"), backends: backends)
        let home = try proxy.exchange(get("/a")).bodyText
        proxy.reload(file("/b"))
        for _ in 0..<4 { #expect(try proxy.exchange(get("/b")).bodyText == home) }
    }
}
