import ProxyConfig
import ProxyCore
import Testing

@Suite("routes by pattern, as files write them") struct PatternRoutesTests {
    private func loaded(_ routes: String) -> ConfigurationResult {
        var options = LoaderOptions()
        options.patternFault = { $0.contains("(?") ? "bad group" : nil }
        let text = "cookieKeys: [key]\nroutes:\n" + routes
        return ConfigurationLoader.load(
            [SourceFile(name: "routes.yaml", text: text)], options: options)
    }

    private func route(
        _ path: String, _ type: String, _ annotations: String = "use-regex: true"
    ) -> String {
        "  - {path: '\(path)', pathType: \(type), backends: [10.0.0.1:80, 10.0.0.2:80], "
            + "annotations: {\(annotations)}}\n"
    }

    @Test(
        "use-regex makes a pattern of what could be one",
        arguments: [
            ("/a", "ImplementationSpecific", true), ("/a.*", "Prefix", true),
            ("/a(/|$)(.*)", "Prefix", true), ("/a.b", "Prefix", false), ("/a.*", "Exact", false),
        ])
    func kinds(path: String, type: String, isPattern: Bool) throws {
        let configuration = try #require(loaded(route(path, type)).configuration)
        #expect(configuration.routes[0].isPattern == isPattern)
        let without = try #require(
            loaded(route(path, type, "use-regex: false")).configuration)
        #expect(!without.routes[0].isPattern)
    }

    @Test("a pattern that cannot be compiled is an error, in an Ingress it costs the rule")
    func malformed() {
        let found = loaded(route("/a(?", "ImplementationSpecific"))
        #expect(found.configuration == nil)
        #expect(found.summary[0].contains("is no regular expression (bad group)"))
        #expect(found.summary[0].hasPrefix("3:12: error: "))
        var options = LoaderOptions()
        options.patternFault = { $0.contains("(?") ? "bad group" : nil }
        let ingress = """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: shop, annotations: {nginx.ingress.kubernetes.io/use-regex: "true"}}
            spec:
              rules:
                - http:
                    paths:
                      - {path: "/a(?", pathType: ImplementationSpecific, backend: &b
                          {service: {name: shop, port: {number: 80}}}}
                      - {path: "/b", pathType: Prefix, backend: *b}
            """
        let result = ConfigurationLoader.load(
            [SourceFile(name: "routes.yaml", text: ingress)], options: options)
        #expect(result.configuration?.routes.map(\.path) == ["/b"])
        #expect(result.summary.contains { $0.contains("the rule is left out") })
    }

    @Test("a pattern without session-cookie-path is warned of")
    func cookiePath() {
        let sticky = "use-regex: true, affinity: cookie"
        let found = loaded(route("/a/.*", "ImplementationSpecific", sticky))
        #expect(found.diagnostics.count == 1)
        #expect(found.summary[0].contains("session-cookie-path should be set"))
        let with = route(
            "/a/.*", "ImplementationSpecific", sticky + ", session-cookie-path: /a")
        #expect(loaded(with).diagnostics.isEmpty)
    }

    @Test("a canary need not repeat use-regex")
    func canary() throws {
        let routes =
            route("/a/.*", "ImplementationSpecific")
            + route("/a/.*", "ImplementationSpecific", "canary: true, canary-weight: 5")
        let configuration = try #require(loaded(routes).configuration)
        #expect(configuration.routes.count == 1 && configuration.routes[0].canary != nil)
    }
}
