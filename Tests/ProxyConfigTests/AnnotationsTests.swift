import ProxyConfig
import ProxyCore
import StickyPolicy
import Testing

@Suite struct AnnotationsTests {
    /// A route with `affinity: cookie` and one more annotation, in the short form.
    private func route(_ annotation: String) -> String {
        """
        cookieKeys: [key]
        routes:
          - backends: [10.0.0.1:80, 10.0.0.2:80]
            annotations:
              affinity: cookie
              \(annotation)
        """
    }

    private func cookie(_ annotation: String) throws -> CookieSettings {
        let loaded = try configuration(route(annotation))
        guard case .cookie(let settings) = loaded.routes[0].affinity.kind else {
            throw NoCookie()
        }
        return settings
    }

    private struct NoCookie: Error {}

    @Test("of a snippet without effect the first line is shown")
    func snippet() {
        let found = load(route("server-snippet: |\n        one;\n        two;")).diagnostics
        #expect(
            found.map(\.message) == [
                "annotation 'server-snippet' is not supported yet, 'one;' has no effect"
            ])
    }

    /// An annotation, and what it changes in the default cookie.
    struct Reading: Sendable, CustomTestStringConvertible {
        var annotation: String
        var change: @Sendable (inout CookieSettings) -> Void

        init(_ annotation: String, _ change: @escaping @Sendable (inout CookieSettings) -> Void) {
            self.annotation = annotation
            self.change = change
        }

        var testDescription: String { annotation }
    }

    @Test(
        "cookie annotations are read as ingress-nginx reads them",
        arguments: [
            Reading("affinity-mode: persistent") { $0.mode = .persistent },
            Reading("affinity-mode: ' persistent '") { $0.mode = .persistent },
            Reading("session-cookie-name: a~b/c:d") { $0.name = "a~b/c:d" },
            Reading("session-cookie-name: ''") { $0.name = "INGRESSCOOKIE" },
            Reading("nginx.ingress.kubernetes.io/session-cookie-name: A") { $0.name = "A" },
            Reading("l7proxy.io/session-cookie-name: A") { $0.name = "A" },
            Reading("session-cookie-expires: 172800") { $0.expires = 172_800 },
            Reading("session-cookie-expires: ' 17 2800 '") { $0.expires = 172_800 },
            Reading("session-cookie-expires: '+5'") { $0.expires = 5 },
            Reading("session-cookie-expires: 1.5") { $0.expires = 1 },
            Reading("session-cookie-max-age: 0") { $0.maxAge = 0 },
            Reading("session-cookie-max-age: '-1'") { $0.maxAge = -1 },
            Reading("session-cookie-path: '/a?b=c&d,e:f'") { $0.path = "/a?b=c&d,e:f" },
            Reading("session-cookie-domain: .example.com") { $0.domain = ".example.com" },
            Reading("session-cookie-secure: true") { $0.secure = true },
            Reading("session-cookie-secure: T") { $0.secure = true },
            Reading("session-cookie-secure: 0") { $0.secure = false },
            Reading("session-cookie-samesite: nOnE") { $0.sameSite = CookieSettings.SameSite.none },
            Reading("session-cookie-samesite: Strict") { $0.sameSite = .strict },
            Reading("session-cookie-change-on-failure: True") { $0.changeOnFailure = true },
            Reading("session-cookie-conditional-samesite-none: 1") {
                $0.conditionalSameSiteNone = true
            },
        ])
    func read(reading: Reading) throws {
        var expected = CookieSettings()
        reading.change(&expected)
        #expect(try cookie(reading.annotation) == expected)
    }

    @Test(
        "a bad value is an error in the short form, a warning and the default in an Ingress",
        arguments: [
            "affinity-mode: Persistent", "session-cookie-name: 'a;b'",
            "session-cookie-name: 'a=b'", "session-cookie-expires: 3600s",
            "session-cookie-expires: 0s", "session-cookie-expires: abc5",
            "session-cookie-max-age: 1h30", "session-cookie-max-age: 99999999999999999999",
            "session-cookie-max-age: [1]", "session-cookie-path: '/; Secure'",
            "session-cookie-domain: a,b", "session-cookie-secure: yes",
            "session-cookie-samesite: loose", "session-cookie-change-on-failure: 'on'",
            "session-timeout: 0", "server-alias: '~^www'",
        ])
    func badValue(annotation: String) throws {
        #expect(load(route(annotation)).configuration == nil)
        let text = """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata:
              name: shop
              annotations:
                l7proxy.io/affinity: cookie
                l7proxy.io/\(annotation)
            spec: {rules: [{http: {paths: [{backend: {service: {name: s, port: {number: 80}}}}]}}]}
            ---
            cookieKeys: [key]
            """
        let result = load(text)
        let loaded = try #require(result.configuration, "\(result.rendered)")
        #expect(loaded.routes[0].affinity.kind == .cookie(CookieSettings()))
        let badLines = result.diagnostics.filter { $0.line == 7 }
        #expect(badLines.map(\.severity) == [.warning])
        #expect(badLines[0].message.hasPrefix("Ingress default/shop: '"))
    }

    @Test("affinity is case-sensitive, and a bad one is none in an Ingress")
    func badAffinity() throws {
        let text = """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: shop, annotations: {nginx.ingress.kubernetes.io/affinity: Cookie}}
            spec: {rules: [{http: {paths: [{backend: {service: {name: s, port: {number: 80}}}}]}}]}
            """
        #expect(try configuration(text).routes[0].affinity.kind == .none)
    }

    @Test(
        "an annotation that is known but not supported is named",
        arguments: [
            "enable-cors: true", "rewrite-target: /$1", "proxy-body-size: 8m", "app-root: /a",
            "configuration-snippet: x",
        ])
    func known(annotation: String) throws {
        let result = load(route(annotation))
        #expect(result.configuration != nil)
        let name = try #require(annotation.split(separator: ":").first)
        #expect(result.summary.count == 1)
        #expect(result.summary[0].hasPrefix("6:7: warning: annotation '\(name)' is not supported"))
    }

    @Test(
        "an annotation at the value that is our behaviour is not worth a word",
        arguments: [
            "use-regex: false", "ssl-redirect: \"false\"", "backend-protocol: HTTP",
            "load-balance: round_robin", "session-cookie-format: sealed",
        ])
    func harmless(annotation: String) {
        let result = load(route(annotation))
        #expect(result.configuration != nil && result.diagnostics.isEmpty)
    }

    @Test("an unknown annotation is named, with what was perhaps meant")
    func unknown() {
        let result = load(route("affinity-node: persistent"))
        #expect(result.summary == ["6:7: warning: unknown annotation 'affinity-node'"])
        #expect(result.diagnostics[0].help == "did you mean 'affinity-mode'?")
    }

    @Test("session-cookie-hash is accepted, and a note says that it does nothing")
    func hash() {
        let result = load(route("session-cookie-hash: sha1"), strict: true)
        #expect(result.configuration != nil)
        #expect(result.diagnostics.map(\.severity) == [.note])
    }

    @Test("annotations of other programs are theirs")
    func foreign() {
        let text = """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata:
              name: shop
              annotations: {cert-manager.io/issuer: le, field.cattle.io/x: "1", color: blue}
            spec: {defaultBackend: {service: {name: s, port: {number: 80}}}}
            """
        #expect(load(text).summary.allSatisfy { $0.contains("there is no Service") })
    }

    @Test("the annotations of a file's short form are defaults of its Ingresses too")
    func fileDefaults() throws {
        let text = """
            annotations: {affinity: cookie, session-cookie-name: A}
            ---
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: shop, annotations: {l7proxy.io/affinity-mode: persistent}}
            spec: {rules: [{http: {paths: [{backend: {service: {name: s, port: {number: 80}}}}]}}]}
            """
        var cookie = CookieSettings()
        cookie.name = "A"
        cookie.mode = .persistent
        #expect(try configuration(text).routes[0].affinity.kind == .cookie(cookie))
    }
}
