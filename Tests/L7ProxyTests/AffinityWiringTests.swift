import Glibc
import StickyPolicy
import Testing

/// What the annotations of affinity come to on the wire.
@Suite("Affinity on the wire")
struct AffinityWiringTests {
    private static func named(_ count: Int) throws -> [ScriptedBackend] {
        try (0..<count).map { try ScriptedBackend(ScriptedBackend.answering(ok("b\($0)"))) }
    }

    private static func file(
        _ backends: [ScriptedBackend], _ annotations: String, names: Bool = false
    ) -> String {
        let list = backends.enumerated().map { number, backend in
            names
                ? "{address: \"\(backend.address)\", name: node\(number)}"
                : "\"\(backend.address)\""
        }
        return """
            routes:
              - backends: [\(list.joined(separator: ", "))]
                annotations: {\(annotations)}
            """
    }

    private static let strip =
        "affinity: cookie, session-cookie-name: S, session-cookie-strip: true"

    @Test("the backend does not see a stripped cookie, and sees all others")
    func strip() throws {
        let backends = try Self.named(2)
        let proxy = try ProxyUnderTest(
            file: Self.file(backends, Self.strip), backends: backends)
        let first = try proxy.exchange(get())
        let cookie = try #require(first.cookie)
        let second = try proxy.exchange(get("/", "Cookie: a=1; \(cookie); b=2", "Cookie: c=3"))
        #expect(second.bodyText == first.bodyText && second["Set-Cookie"] == nil)
        _ = try proxy.exchange(get("/", "Cookie: \(cookie)"))
        let seen = backends.flatMap(\.requests).map { $0.all("Cookie") }
        #expect(seen.contains(["a=1; b=2", "c=3"]) && seen.filter(\.isEmpty).count == 2)
    }

    @Test("a key names a group of the route's pattern")
    func capture() throws {
        let backends = try Self.named(3)
        let list = backends.map { "\"\($0.address)\"" }.joined(separator: ", ")
        let proxy = try ProxyUnderTest(
            file: """
                routes:
                  - path: /user/([a-z]+)/.*
                    backends: [\(list)]
                    annotations: {use-regex: true, upstream-hash-by: $1}
                """, backends: backends)
        var seen: Set<String> = []
        for user in ["ann", "bob", "cat", "dan", "eve", "fay", "gus", "hal", "ida", "joe"] {
            let answers = try (0..<3).map {
                try proxy.exchange(get("/user/\(user)/\($0)")).bodyText
            }
            #expect(Set(answers).count == 1)
            seen.formUnion(answers)
        }
        #expect(seen.count > 1)
    }

    @Test("a response that sets the cookie is not for shared caches, and no other is touched")
    func noCache() throws {
        let backends = try Self.named(1)
        let proxy = try ProxyUnderTest(
            file: Self.file(backends, "affinity: cookie, session-cookie-nocache: true"),
            backends: backends)
        let first = try proxy.exchange(get())
        #expect(first.all("Cache-Control") == ["private"])
        let cookie = try #require(first.cookie)
        #expect(try proxy.exchange(get("/", "Cookie: \(cookie)"))["Cache-Control"] == nil)
    }

    @Test("a learned session is known in the cookie, in the path and in the query")
    func learn() throws {
        let backends = try (0..<3).map { number in
            try ScriptedBackend(
                ScriptedBackend.answering(ok("b\(number)", "Set-Cookie: JSESSIONID=id\(number)")))
        }
        let proxy = try ProxyUnderTest(
            file: Self.file(backends, "affinity: learn"), backends: backends)
        for _ in 0..<3 { _ = try proxy.exchange(get()) }
        for number in 0..<3 {
            for request in [
                get("/", "Cookie: a=b; JSESSIONID=id\(number)"),
                get("/shop;jsessionid=id\(number)?x"), get("/shop?x=1&jsessionid=id\(number)"),
            ] {
                #expect(try proxy.exchange(request).bodyText == "b\(number)")
            }
        }
    }

    @Test("the name behind the last dot of the application's cookie is the backend")
    func suffix() throws {
        let backends = try Self.named(3)
        let proxy = try ProxyUnderTest(
            file: Self.file(
                backends, "affinity: route-suffix, session-learn-cookie: SID", names: true),
            backends: backends)
        for number in 0..<3 {
            for request in [
                get("/", "Cookie: SID=abc.node\(number)"), get("/;SID=x.y.node\(number)"),
            ] {
                let response = try proxy.exchange(request)
                #expect(response.bodyText == "b\(number)" && response["Set-Cookie"] == nil)
            }
        }
    }

    @Test("a session that may not move is answered 503, and others are served")
    func onLost() throws {
        let backends = try Self.named(2)
        let annotations = "affinity: cookie, affinity-mode: persistent, session-on-lost: error"
        let proxy = try ProxyUnderTest(file: Self.file(backends, annotations), backends: backends)
        let first = try proxy.exchange(get())
        let cookie = try #require(first.cookie)
        let left = backends[first.bodyText == "b0" ? 1 : 0]
        proxy.reload(Self.file([left], annotations))
        let lost = try proxy.exchange(get("/", "Cookie: \(cookie)"))
        #expect(lost.status == 503 && lost["Set-Cookie"] == nil)
        #expect(try proxy.exchange(get()).status == 200)
        #expect(left.requests.allSatisfy { $0["X-Session-Moved"] == nil })
    }

    @Test("a client cannot say that its session was moved")
    func movedByClient() throws {
        let backends = try Self.named(1)
        let proxy = try ProxyUnderTest(file: Self.file(backends, ""), backends: backends)
        _ = try proxy.exchange(get("/", "X-Session-Moved: 1"))
        #expect(backends[0].requests.allSatisfy { $0["X-Session-Moved"] == nil })
    }

    private static func canary(
        _ primary: ScriptedBackend, _ canary: ScriptedBackend, _ rules: String,
        sticky: Bool = false
    ) -> String {
        """
        routes:
          - backends: ["\(primary.address)"]
            annotations: {\(sticky ? "affinity: cookie" : "")}
          - backends: ["\(canary.address)"]
            annotations: {canary: true, \(rules)}
        """
    }

    @Test(
        "a canary gets what its rules ask for: field, value, pattern, cookie, weight",
        arguments: [
            ("canary-by-header: X-C", "X-C: always", true),
            ("canary-by-header: X-C, canary-weight: 100", "X-C: never", false),
            ("canary-by-header: X-C", "X-C: maybe", false),
            ("canary-by-header: X-C, canary-by-header-value: me", "X-C: me", true),
            ("canary-by-header: X-C, canary-by-header-value: me", "X-C: always", false),
            ("canary-by-header: X-C, canary-by-header-pattern: ^(de|at)-", "X-C: at-x", true),
            ("canary-by-header: X-C, canary-by-header-pattern: ^(de|at)-", "X-C: x-at-", false),
            ("canary-by-cookie: beta", "Cookie: a=b; beta=always", true),
            ("canary-by-cookie: beta, canary-weight: 100", "Cookie: beta=never", false),
            ("canary-weight: 100", "X-None: 1", true), ("canary-weight: 0", "X-None: 1", false),
        ])
    func canaryRules(rules: String, field: String, isCanary: Bool) throws {
        let (primary, canary) = (try Self.named(1)[0], try Self.named(2)[1])
        let proxy = try ProxyUnderTest(
            file: Self.canary(primary, canary, rules), backends: [primary, canary])
        for _ in 0..<3 { #expect(try proxy.exchange(get("/", field)).status == 200) }
        #expect(canary.requests.count == (isCanary ? 3 : 0))
        #expect(primary.requests.count == (isCanary ? 0 : 3))
    }

    @Test("a session of the canary stays there, and one of the primary does")
    func canarySessions() throws {
        let (primary, canary) = (try Self.named(1)[0], try Self.named(2)[1])
        let proxy = try ProxyUnderTest(
            file: Self.canary(primary, canary, "canary-by-header: X-C", sticky: true),
            backends: [primary, canary])
        let there = try #require(try proxy.exchange(get("/", "X-C: always")).cookie)
        let here = try #require(try proxy.exchange(get()).cookie)
        let stays = try proxy.exchange(get("/", "Cookie: \(there)", "X-C: never"))
        #expect(stays.bodyText == "b1" && stays["Set-Cookie"] == nil)
        #expect(try proxy.exchange(get("/", "Cookie: \(here)", "X-C: always")).bodyText == "b0")
    }

    private static let upgrade = """
        GET / HTTP/1.1\r\nHost: test.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n
        """

    /// Polls, since a client may see the end of an exchange before it is counted.
    private func expect(_ load: BackendLoad, open: Int, tunnels: Int) throws {
        let end = ContinuousClock.now + Wire.patience
        while load.open != open || load.openTunnels != tunnels, ContinuousClock.now < end {
            sched_yield()
        }
        #expect(load.open == open && load.openTunnels == tunnels)
    }

    @Test("requests and tunnels count as load of their backend while they last, also over a reload")
    func load() throws {
        let gate = try Gate()
        let backend = try ScriptedBackend { wire, number in
            _ = try wire.read(until: "\r\n\r\n")
            if number > 0 {
                try gate.wait()
                try wire.send(ok())
            } else {
                try wire.send(
                    head(
                        "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket",
                        "Connection: Upgrade",
                        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
            }
            _ = try wire.readToEnd()
        }
        let file = Self.file([backend], "affinity: cookie")
        let proxy = try ProxyUnderTest(file: file, backends: [backend])
        let load = try #require(proxy.load(ofBackend: backend.address, inService: "*/"))
        let tunnel = try proxy.connect(sending: Self.upgrade)
        #expect(try tunnel.readMessage(.none).status == 101)
        try expect(load, open: 1, tunnels: 1)
        let waiting = try proxy.connect(sending: get())
        try expect(load, open: 2, tunnels: 1)
        proxy.reload(file)
        #expect(proxy.load(ofBackend: backend.address, inService: "*/") === load)
        try expect(load, open: 2, tunnels: 1)
        gate.open()
        #expect(try waiting.readMessage().status == 200)
        try expect(load, open: 1, tunnels: 1)
        tunnel.close()
        try expect(load, open: 0, tunnels: 0)
    }

    @Test("a backend that could not be reached has nothing to do for it")
    func loadOfRefused() throws {
        let dead = try ScriptedBackend()
        dead.refuseFromNowOn()
        let live = try Self.named(1)[0]
        let proxy = try ProxyUnderTest(file: Self.file([dead, live], ""), backends: [dead, live])
        for _ in 0..<4 { #expect(try proxy.exchange(get()).status == 200) }
        for backend in [dead, live] {
            let load = try #require(proxy.load(ofBackend: backend.address, inService: "*/"))
            try expect(load, open: 0, tunnels: 0)
        }
    }
}
