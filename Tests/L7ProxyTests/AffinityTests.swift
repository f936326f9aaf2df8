import Testing

/// Which client stays with which backend.
@Suite("Affinity")
struct AffinityTests {
    /// A backend whose answers are its name.
    private static func named(_ name: String) throws -> ScriptedBackend {
        try ScriptedBackend(ScriptedBackend.answering(ok(name)))
    }

    private static func names(_ count: Int) throws -> [ScriptedBackend] {
        try (0..<count).map { try named("b\($0)") }
    }

    private static func file(
        _ backends: [ScriptedBackend], states: [String] = [], annotations: String = "",
        settings: String = ""
    ) -> String {
        let list = backends.enumerated().map { position, backend in
            let state = position < states.count ? states[position] : "ready"
            return "{address: \"\(backend.address)\", state: \(state)}"
        }
        return """
            routes:
              - backends: [\(list.joined(separator: ", "))]
                annotations: {\(annotations)}
            \(settings)
            """
    }

    private static func sticky(_ mode: String) -> String {
        "affinity: cookie, affinity-mode: \(mode), session-cookie-name: STICKY"
    }

    @Test("a cookie holds over connections and workers", arguments: ["persistent", "balanced"])
    func cookie(mode: String) throws {
        let backends = try AffinityTests.names(3)
        let proxy = try ProxyUnderTest(
            file: AffinityTests.file(backends, annotations: AffinityTests.sticky(mode)),
            workers: 2, backends: backends)
        var homes: Set<String> = []
        for _ in 0..<8 {
            let first = try proxy.exchange(get())
            homes.insert(first.bodyText)
            let cookie = try #require(first.cookie)
            for _ in 0..<10 {
                let next = try proxy.exchange(get("/", "Cookie: other=1; \(cookie); more=2"))
                #expect(next.bodyText == first.bodyText)
                #expect(next["Set-Cookie"] == nil)
            }
        }
        #expect(homes.count > 1)
    }

    @Test("a cookie holds over the requests of one connection")
    func oneConnection() throws {
        let backends = try AffinityTests.names(3)
        let client = try ProxyUnderTest(
            file: AffinityTests.file(backends, annotations: AffinityTests.sticky("persistent")),
            backends: backends
        ).connect(sending: get())
        let first = try client.readMessage()
        let cookie = try #require(first.cookie)
        for _ in 0..<6 {
            try client.send(get("/", "Cookie: \(cookie)"))
            #expect(try client.readMessage().bodyText == first.bodyText)
        }
    }

    @Test("the cookie's line has its attributes in their order")
    func line() throws {
        let backends = try AffinityTests.names(1)
        let annotations =
            AffinityTests.sticky("persistent")
            + ", session-cookie-max-age: 172800, session-cookie-samesite: Lax"
        let proxy = try ProxyUnderTest(
            file: AffinityTests.file(backends, annotations: annotations), backends: backends)
        let line = try #require(try proxy.exchange(get())["Set-Cookie"])
        let parts = line.split(separator: ";").map { $0.drop { $0 == " " } }
        #expect(
            parts.dropFirst().map(String.init) == [
                "Max-Age=172800", "Path=/", "HttpOnly", "SameSite=Lax",
            ])
        let value = try #require(parts.first).dropFirst("STICKY=".count)
        #expect(value.count >= 43)
        #expect(value.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" })
    }

    @Test("the proxy's cookie comes beside the application's own")
    func besideApplication() throws {
        let backend = try ScriptedBackend(
            ScriptedBackend.answering(ok("hello", "Set-Cookie: app=1; Path=/")))
        let proxy = try ProxyUnderTest(to: backend, annotations: "affinity: cookie")
        let response = try proxy.exchange(get())
        #expect(response.all("Set-Cookie").count == 2)
        #expect(response.all("Set-Cookie").contains("app=1; Path=/"))
    }

    @Test(
        "a cookie that was not sealed here binds nobody, and is replaced",
        arguments: [
            "STICKY=forged", "STICKY=", "STICKY=" + String(repeating: "A", count: 43),
            "STICKY=" + String(repeating: "A", count: 10_000), "STICKY=\"x\"",
        ])
    func forged(cookie: String) throws {
        let backends = try AffinityTests.names(2)
        let proxy = try ProxyUnderTest(
            file: AffinityTests.file(backends, annotations: AffinityTests.sticky("persistent")),
            backends: backends)
        var homes: Set<String> = []
        for _ in 0..<4 {
            let response = try proxy.exchange(get("/", "Cookie: \(cookie)"))
            #expect(response.status == 200)
            #expect(response.cookie?.hasPrefix("STICKY=") == true)
            #expect(response.cookie != cookie)
            homes.insert(response.bodyText)
        }
        #expect(homes.count == 2)
    }

    @Test("a cookie with one byte changed binds nobody")
    func tampered() throws {
        let backends = try AffinityTests.names(2)
        let proxy = try ProxyUnderTest(
            file: AffinityTests.file(backends, annotations: AffinityTests.sticky("persistent")),
            backends: backends)
        let cookie = try #require(try proxy.exchange(get()).cookie)
        for offset in stride(from: "STICKY=".count, to: cookie.count, by: 5) {
            var bytes = Array(cookie.utf8)
            bytes[offset] = bytes[offset] == 0x41 ? 0x42 : 0x41
            let changed = String(decoding: bytes, as: UTF8.self)
            #expect(try proxy.exchange(get("/", "Cookie: \(changed)")).cookie != nil)
        }
    }

    @Test("a client's address holds over connections and workers")
    func clientIP() throws {
        let backends = try AffinityTests.names(3)
        let proxy = try ProxyUnderTest(
            file: AffinityTests.file(backends, annotations: "affinity: client-ip"), workers: 2,
            backends: backends)
        let home = try proxy.exchange(get()).bodyText
        for _ in 0..<20 {
            let response = try proxy.exchange(get())
            #expect(response.bodyText == home)
            #expect(response["Set-Cookie"] == nil)
        }
    }

    private static let trusted = "clientIP: {from: x-forwarded-for, trusted: [127.0.0.0/8]}"

    @Test("addresses that a trusted peer names are told apart")
    func forwardedFor() throws {
        let backends = try AffinityTests.names(3)
        let file = AffinityTests.file(
            backends, annotations: "affinity: client-ip", settings: AffinityTests.trusted)
        let proxy = try ProxyUnderTest(file: file, workers: 2, backends: backends)
        var homes: [String: String] = [:]
        for round in 0..<3 {
            for number in 1...12 {
                let address = "198.51.100.\(number)"
                let request = get("/", "X-Forwarded-For: 203.0.113.\(round), \(address), 127.0.0.2")
                let home = try proxy.exchange(request).bodyText
                #expect(homes[address, default: home] == home)
                homes[address] = home
            }
        }
        #expect(Set(homes.values).count == 3)
    }

    @Test("addresses that an untrusted client names are not believed")
    func forwardedForUntrusted() throws {
        let backends = try AffinityTests.names(3)
        let file = AffinityTests.file(
            backends, annotations: "affinity: client-ip",
            settings: "clientIP: {from: x-forwarded-for, trusted: [10.0.0.0/8]}")
        let proxy = try ProxyUnderTest(file: file, backends: backends)
        let homes = try (1...12).map { number in
            try proxy.exchange(get("/", "X-Forwarded-For: 198.51.100.\(number)")).bodyText
        }
        #expect(Set(homes).count == 1)
    }

    @Test("a backend that drains keeps its sessions and gets no new ones")
    func drain() throws {
        let backends = try AffinityTests.names(2)
        let annotations = AffinityTests.sticky("persistent")
        let proxy = try ProxyUnderTest(
            file: AffinityTests.file(backends, annotations: annotations), backends: backends)
        var cookie: String?
        for _ in 0..<4 where cookie == nil {
            let response = try proxy.exchange(get())
            if response.bodyText == "b0" { cookie = response.cookie }
        }
        let bound = try #require(cookie)
        proxy.reload(
            AffinityTests.file(backends, states: ["drain"], annotations: annotations))
        for _ in 0..<6 {
            let response = try proxy.exchange(get("/", "Cookie: \(bound)"))
            #expect(response.bodyText == "b0")
            #expect(response["Set-Cookie"] == nil)
            #expect(try proxy.exchange(get()).bodyText == "b1")
        }
    }

    @Test("sessions of a backend that is down move, and come home with it")
    func down() throws {
        let backends = try AffinityTests.names(2)
        let annotations = AffinityTests.sticky("persistent")
        let proxy = try ProxyUnderTest(
            file: AffinityTests.file(backends, annotations: annotations), backends: backends)
        let first = try proxy.exchange(get())
        let cookie = try #require(first.cookie)
        let states = first.bodyText == "b0" ? ["down"] : ["ready", "down"]
        proxy.reload(AffinityTests.file(backends, states: states, annotations: annotations))
        let moved = try proxy.exchange(get("/", "Cookie: \(cookie)"))
        #expect(moved.bodyText != first.bodyText)
        #expect(moved["Set-Cookie"] == nil)
        proxy.reload(AffinityTests.file(backends, annotations: annotations))
        let home = try proxy.exchange(get("/", "Cookie: \(cookie)"))
        #expect(home.bodyText == first.bodyText)
        let other = try #require(
            backends.first { $0.requests.contains { $0["X-Session-Moved"] != nil } })
        #expect(other.requests.filter { $0["X-Session-Moved"] == "1" }.count == 1)
    }

    @Test("the affinity cookie of a request reaches the backend unchanged")
    func cookieIsForwarded() throws {
        let backends = try AffinityTests.names(1)
        let proxy = try ProxyUnderTest(
            file: AffinityTests.file(backends, annotations: AffinityTests.sticky("persistent")),
            backends: backends)
        let cookie = try #require(try proxy.exchange(get()).cookie)
        _ = try proxy.exchange(get("/", "Cookie: a=b; \(cookie)"))
        #expect(backends[0].requests.last?["Cookie"] == "a=b; \(cookie)")
    }
}
