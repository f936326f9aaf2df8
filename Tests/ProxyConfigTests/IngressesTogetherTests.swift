import ProxyConfig
import ProxyCore
import StickyPolicy
import Testing

/// What several Ingresses say of one host, or of no host.
@Suite struct IngressesTogetherTests {
    private let prefix = "nginx.ingress.kubernetes.io/"

    private let shop = """
        apiVersion: v1
        kind: Service
        metadata: {name: shop}
        spec: {type: NodePort, ports: [{port: 80, nodePort: 30080}]}
        ---
        nodes: [10.0.0.1, 10.0.0.2]

        """

    private func ingress(_ name: String, _ annotations: String, spec: String) -> String {
        """
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: \(name), annotations: {\(annotations)}}
        spec: \(spec)
        ---

        """
    }

    private func defaultBackend(_ name: String, _ annotations: String) -> String {
        let spec = "{defaultBackend: {service: {name: shop, port: {number: 80}}}}"
        return ingress(name, annotations, spec: spec)
    }

    private func rule(_ name: String, host: String, _ annotations: String = "") -> String {
        let backend = "{service: {name: shop, port: {number: 80}}}"
        let path = "{path: /, pathType: Prefix, backend: \(backend)}"
        let spec = "{rules: [{host: \(host), http: {paths: [\(path)]}}]}"
        return ingress(name, annotations, spec: spec)
    }

    @Test("a canary that is a default backend is one of the default backend, and no route")
    func defaultCanary() throws {
        let annotations = "\(prefix)canary: \"true\", \(prefix)canary-weight: \"30\""
        let canary = defaultBackend("canary", annotations)
        let main = defaultBackend("main", "\(prefix)affinity: cookie")
        let loaded = try configuration(canary + main + shop)
        #expect(loaded.defaultCanary?.settings.weight == 30 && loaded.routes.isEmpty)
        #expect(loaded.defaultCanary?.affinity == loaded.defaultAffinity)
        let twice = load(canary + defaultBackend("second", annotations) + main + shop)
        #expect(twice.summary.contains { $0.contains("has a canary already") })
        #expect(twice.configuration?.defaultCanary == loaded.defaultCanary)
    }

    @Test("a canary of a default backend that there is not serves nobody, and is told of")
    func lonelyDefaultCanary() throws {
        let canary = defaultBackend("c", "\(prefix)canary: \"true\"")
        let result = load(rule("a", host: "a.example.com") + canary + shop)
        let loaded = try #require(result.configuration)
        #expect(loaded.defaultService == nil && loaded.defaultCanary == nil)
        #expect(result.summary.contains { $0.contains("a default backend that there is not") })
    }

    @Test("a host that an older Ingress has as server-alias is that of the Ingress it is a rule of")
    func aliasOfAHost() throws {
        let alias = "\(prefix)server-alias: \"b.example.com, c.example.com\""
        let result = load(
            rule("a", host: "a.example.com", alias) + rule("b", host: "b.example.com") + shop)
        let routes = try #require(result.configuration).routes
        #expect(routes.map(\.host.text) == ["a.example.com", "b.example.com", "c.example.com"])
        #expect(
            routes.map(\.origin.text) == [
                "Ingress default/a", "Ingress default/b", "Ingress default/a",
            ])
        let warnings = result.diagnostics.filter { $0.message.contains("server-alias") }
        #expect(warnings.count == 1)
        #expect(warnings[0].message.contains("b.example.com/ is already routed at routes.yaml"))
    }
}
