import ProxyConfig
import ProxyCore
import Testing

@Suite("Routes whose guard cannot be had")
struct GuardedRoutesTests {
    private static let guards = [
        "auth-url: http://auth.test/", "auth-type: basic", "whitelist-source-range: 10.0.0.0/8",
        "allowlist-source-range: 10.0.0.0/8", "denylist-source-range: 10.0.0.0/8",
    ]

    private func file(_ annotations: String, canary: String = "") -> String {
        """
        services: {shop: {backends: [10.0.0.1:80]}, new: {backends: [10.0.0.9:80]}}
        routes:
          - {host: guarded.test, service: shop, annotations: {\(annotations)}}
          - {host: open.test, service: shop}
        \(canary)
        """
    }

    /// How many backends the route of a host has.
    private func backendCount(_ host: String, _ loaded: Configuration) throws -> Int {
        let route = try #require(loaded.routes.first { $0.host.text == host })
        return loaded.services[route.service].backends.count
    }

    @Test("a guarded route serves nobody, and others of its service are open", arguments: guards)
    func closed(annotation: String) throws {
        let result = load(file(annotation))
        let loaded = try #require(result.configuration)
        #expect(try backendCount("guarded.test", loaded) == 0)
        #expect(try backendCount("open.test", loaded) == 1)
        #expect(result.diagnostics.map(\.severity) == [.warning])
        #expect(result.diagnostics[0].message.hasSuffix("has no effect"))
        #expect(result.diagnostics[0].help?.hasPrefix("its routes answer 503") == true)
    }

    @Test("nothing is said of the cookies or the health checks of a route that serves nobody")
    func quiet() {
        let text = """
            services: {shop: {backends: [10.0.0.1:80, 10.0.0.2:80]}}
            annotations: {affinity: cookie, disable-on-404: true}
            cookieKeys: [key]
            routes:
              - {service: shop, annotations: {disable-on-404: false}}
              - {path: /admin, service: shop, annotations: {auth-type: basic}}
            """
        #expect(load(text).summary.filter { $0.contains("warning") }.count == 1)
        let open = text.replacing("auth-type: basic", with: "serve-unguarded: true")
        #expect(load(open).summary.contains { $0.contains("disable-on-404 has no effect") })
    }

    @Test("a guarded ImplementationSpecific path closes all that begins with its text")
    func texts() throws {
        func routes(_ rule: String) throws -> [Route] {
            let text = """
                services: {shop: {backends: [10.0.0.1:80]}}
                routes:
                  - {host: a.test, service: shop}
                  - {host: a.test, \(rule), service: shop,
                     annotations: {auth-type: basic, server-alias: x.test}}
                """
            return try configuration(text).routes
        }
        let loaded = try routes("path: /login, pathType: ImplementationSpecific")
        let patterns = loaded.filter(\.isPattern)
        #expect(patterns.map(\.path) == ["/login", "/login"])
        #expect(patterns.map(\.host.text) == ["a.test", "x.test"])
        #expect(loaded.count == 5 && Set(loaded.dropFirst().map(\.service)).count == 1)
        let others = [
            "path: /login, pathType: Prefix", "path: /login, pathType: Exact",
            "path: /login/, pathType: ImplementationSpecific",
            "path: /a+b, pathType: ImplementationSpecific",
        ]
        for rule in others { #expect(try !routes(rule).contains(where: \.isPattern)) }
    }

    @Test("an open route that is older keeps its path, and what begins with it")
    func olderIsOpen() throws {
        let loaded = try configuration(
            """
            services: {shop: {backends: [10.0.0.1:80]}}
            routes:
              - {path: /login, pathType: ImplementationSpecific, service: shop}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: shop}
            spec: {ports: [{port: 80}]}
            ---
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: i, annotations: {nginx.ingress.kubernetes.io/auth-type: basic}}
            spec:
              rules:
                - http:
                    paths: [{path: /login, backend: {service: {name: shop, port: {number: 80}}}}]
            """)
        #expect(loaded.routes.count == 1 && !loaded.routes[0].isPattern)
    }

    @Test("what only shapes a guard closes nothing", arguments: ["auth-realm: x", "limit-rps: 5"])
    func shaped(annotation: String) throws {
        #expect(try backendCount("guarded.test", configuration(file(annotation))) == 1)
    }

    @Test("who guards a route elsewhere says so, and it is served")
    func elsewhere() throws {
        let both = "auth-type: basic, serve-unguarded: true"
        #expect(try backendCount("guarded.test", configuration(file(both))) == 1)
        let denied = "auth-type: basic, serve-unguarded: false"
        #expect(try backendCount("guarded.test", configuration(file(denied))) == 0)
    }

    @Test("the canary of a guarded route serves nobody either")
    func canaryOfGuarded() throws {
        let canary = """
              - {host: guarded.test, service: new, annotations: {canary: true, canary-weight: 100}}
            """
        let loaded = try configuration(file("auth-type: basic", canary: canary))
        #expect(loaded.routes.allSatisfy { $0.canary == nil })
        #expect(try backendCount("guarded.test", loaded) == 0)
    }

    @Test("a canary's guards are its primary's, as in ingress-nginx")
    func guardOfCanary() throws {
        let canary = """
              - {host: guarded.test, service: new,
                 annotations: {canary: true, canary-weight: 100, auth-type: basic}}
            """
        let loaded = try configuration(file("ssl-redirect: false", canary: canary))
        let attached = try #require(loaded.routes.first { $0.host.text == "guarded.test" }?.canary)
        #expect(loaded.services[attached.service].backends.count == 1)
    }

    @Test("aliases of a guarded route and a guarded default serve nobody")
    func aliasesAndDefault() throws {
        let loaded = try configuration(file("auth-type: basic, server-alias: other.test"))
        #expect(try backendCount("other.test", loaded) == 0)
        let all = try configuration(
            """
            annotations: {auth-type: basic}
            services: {shop: {backends: [10.0.0.1:80]}}
            defaultService: shop
            routes: [{host: a.test, service: shop, annotations: {serve-unguarded: true}}]
            """)
        #expect(try backendCount("a.test", all) == 1)
        let service = try #require(all.defaultService)
        #expect(all.services[service].backends.isEmpty)
    }

    @Test("an Ingress with a guard answers 503, its neighbour is served")
    func ingresses() throws {
        let objects = """
            nodes: [10.0.0.1]
            ---
            {apiVersion: v1, kind: Service, metadata: {name: s},
             spec: {ports: [{port: 80, nodePort: 30080}]}}
            """
        func ingress(_ host: String, _ annotations: String) -> String {
            """

            ---
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: \(host), annotations: {\(annotations)}}
            spec:
              defaultBackend: {service: {name: s, port: {number: 80}}}
              rules:
                - host: \(host)
                  http: {paths: [{path: /, backend: {service: {name: s, port: {number: 80}}}}]}
            """
        }
        let loaded = try configuration(
            objects + ingress("a.test", "nginx.ingress.kubernetes.io/auth-url: http://a/")
                + ingress("b.test", ""))
        #expect(try backendCount("a.test", loaded) == 0)
        #expect(try backendCount("b.test", loaded) == 1)
        let service = try #require(loaded.defaultService)
        #expect(loaded.services[service].backends.isEmpty)
    }
}
