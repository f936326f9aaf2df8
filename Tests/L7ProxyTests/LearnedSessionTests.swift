import Testing

/// `affinity: learn`: the application's own cookie says which session a request is of.
@Suite("Learned sessions")
struct LearnedSessionTests {
    @Test("a session that a backend has begun stays with it")
    func follows() throws {
        let backends = try (0..<3).map { number in
            try ScriptedBackend(
                ScriptedBackend.answering(ok("b\(number)", "Set-Cookie: JSESSIONID=s\(number)")))
        }
        let proxy = try ProxyUnderTest(
            to: backends[0], backends[1], backends[2], annotations: "affinity: learn")
        for _ in 0..<6 {
            let first = try proxy.exchange(get())
            let cookie = try #require(first.cookie)
            for _ in 0..<4 {
                let next = try proxy.exchange(get("/", "Cookie: \(cookie)"))
                #expect(next.bodyText == first.bodyText)
            }
        }
    }
}
