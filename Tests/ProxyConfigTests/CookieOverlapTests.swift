import ProxyConfig
import Testing

@Suite struct CookieOverlapTests {
    private func overlaps(_ routes: String) -> [Int] {
        let services =
            "services: {a: {backends: [10.0.0.1:80, 10.0.0.3:80]}, "
            + "b: {backends: [10.0.0.2:80, 10.0.0.4:80]}}"
        let text = """
            \(services)
            cookieKeys: [key]
            annotations: {affinity: cookie}
            routes:
            \(routes)
            """
        return load(text).diagnostics.map(\.line)
    }

    @Test("a cookie that reaches a route of another service is a warning")
    func nestedPaths() {
        #expect(overlaps("- {service: a}\n- {path: /x, service: b}") == [6])
    }

    @Test(
        "the same service, another name, path or host is no overlap",
        arguments: [
            "- {service: a}\n- {path: /x, service: a}",
            "- {service: a}\n- {path: /x, service: b, annotations: {session-cookie-name: B}}",
            "- {path: /x, service: a}\n- {path: /xy, service: b}",
            "- {host: a.example, service: a}\n- {host: b.example, service: b}",
            "- {service: a}\n- {path: /x, service: b, annotations: {affinity: none}}",
        ])
    func apart(routes: String) {
        #expect(overlaps(routes).isEmpty)
    }

    @Test(
        "a common domain or path brings hosts and paths together",
        arguments: [
            """
            - {host: a.example, service: a, annotations: {session-cookie-domain: example}}
            - {host: b.example, service: b, annotations: {session-cookie-domain: example}}
            """,
            """
            - {path: /x, service: a, annotations: {session-cookie-path: /}}
            - {path: /y, service: b}
            """,
        ])
    func together(routes: String) {
        #expect(overlaps(routes) == [6])
    }
}
