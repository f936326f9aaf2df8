import ProxyConfig
import Testing

@Suite("advice about affinity") struct AffinityAdviceTests {
    private func diagnostics(
        _ annotations: String, backends: String = "[10.0.0.1:80, 10.0.0.2:80]", top: String = ""
    ) -> [Diagnostic] {
        load(
            """
            cookieKeys: [key]
            \(top)
            routes: [{backends: \(backends), annotations: {\(annotations)}}]
            """
        ).diagnostics
    }

    @Test(
        "what is likely to go wrong is said, and is no error",
        arguments: [
            ("affinity: cookie, session-cookie-samesite: none", "'SameSite=None' without"),
            ("affinity: cookie, session-cookie-partitioned: true", "'Partitioned' without"),
            (
                "affinity: cookie, session-cookie-max-age: 5, session-cookie-max-idle: 9",
                "ends sessions before"
            ),
            ("affinity: cookie, session-cookie-format: ingress-nginx", "are not signed"),
            ("affinity: cookie, session-cookie-name: JSESSIONID", "would overwrite the other"),
            ("affinity: cookie, session-cookie-name: phpsessid", "would overwrite the other"),
            ("affinity: cookie, session-cookie-name: __Secure-r", "without 'Secure'"),
            (
                "affinity: cookie, session-cookie-secure: true, session-cookie-path: /a, "
                    + "session-cookie-name: __Host-r", "but with the path '/'"
            ),
            (
                "affinity: cookie, session-cookie-secure: true, session-cookie-domain: b.c, "
                    + "session-cookie-name: __host-r", "but with the path '/'"
            ),
            ("load-balance: chash", "without 'upstream-hash-by'"),
            ("load-balance: sticky_balanced", "'affinity: cookie'"),
            ("load-balance: ip_hash", "'affinity: client-ip'"),
        ])
    func cookies(annotations: String, expected: String) {
        let found = diagnostics(annotations)
        #expect(found.count == 1 && found[0].message.contains(expected))
        #expect(found[0].severity < .error)
    }

    @Test("what is right is not worth a word")
    func quiet() {
        let secure = "session-cookie-secure: true, session-cookie-samesite: none"
        #expect(diagnostics("affinity: cookie, \(secure)").isEmpty)
        let prefixed = "session-cookie-secure: true, session-cookie-name: __Host-r"
        #expect(diagnostics("affinity: cookie, \(prefixed)").isEmpty)
        #expect(diagnostics("affinity: client-ip").isEmpty)
        #expect(diagnostics("load-balance: chash, upstream-hash-by: $host").isEmpty)
        #expect(diagnostics("affinity: learn, session-learn-cookie: JSESSIONID").isEmpty)
    }

    @Test("a canary without a primary is told once, not also as a file without routes")
    func orphanedCanary() {
        let found = diagnostics("canary: true, canary-weight: 10")
        #expect(found.count == 1 && found[0].message.contains("a canary without a route"))
    }

    @Test("one backend")
    func single() {
        let found = diagnostics("affinity: cookie", backends: "[10.0.0.1:80]")
        #expect(found.map(\.severity) == [.note] && found[0].message.contains("single backend"))
    }

    @Test(
        "a name of its own for a host that may come to have several addresses",
        arguments: [
            ("{address: \"app.test:80\", name: app}", 1), ("\"app.test:80\"", 0),
            ("{address: \"10.0.0.3:80\", name: app}", 0),
        ])
    func names(backend: String, count: Int) {
        let found = diagnostics("affinity: cookie", backends: "[10.0.0.1:80, \(backend)]")
        #expect(found.count == count)
        #expect(found.allSatisfy { $0.severity == .note && $0.message.contains("app@ADDRESS") })
    }

    @Test("addresses of trusted proxies")
    func trustedProxies() {
        let found = diagnostics("affinity: client-ip", top: "clientIP: {trusted: [10.0.0.0/8]}")
        #expect(found.count == 1 && found[0].message.contains("'clientIP.from' is 'connection'"))
    }

    @Test("client-ip behind NodePorts, unless there are source addresses")
    func nodePorts() {
        func found(_ sources: String) -> [String] {
            load(
                """
                nodes: [10.0.0.1, 10.0.0.2]
                sourceAddresses: \(sources)
                services: {shop: {nodePort: 30080, sessionAffinity: ClientIP}}
                routes: [{service: shop}]
                """
            ).diagnostics.map(\.message)
        }
        #expect(found("[]").count == 1 && found("[]")[0].contains("ends at the node"))
        #expect(found("[10.9.0.1, 10.9.0.2]").isEmpty)
    }
}
