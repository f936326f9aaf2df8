import ProxyConfig
import Testing

@Suite("keys that a Kubernetes object does not have") struct ObjectShapeTests {
    /// An Ingress that is written by hand, with more text at its top or in its rule.
    private static func ingress(
        top: String = "", spec: String = "", paths: String = "paths"
    ) -> String {
        """
        \(top)
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: shop}
        spec:
          \(spec)
          rules:
            - host: shop.example.com
              http:
                \(paths):
                  - path: /
                    pathType: Prefix
                    backend: {service: {name: a, port: {number: 80}}}
        """
    }

    @Test(
        "each is a warning that says what was perhaps meant",
        arguments: [
            (
                ingress(top: "cookieKeys: [a.key]"), "1:1", "cookieKeys",
                "it is a key of the short form, which is a document of its own: '---' ends it"
            ),
            (
                ingress(top: "annotations: {affinity: cookie}"), "1:1", "annotations",
                "annotations stand in 'metadata'"
            ),
            (
                ingress(spec: "annotations: {affinity: cookie}"), "6:3", "annotations",
                "annotations stand in 'metadata'"
            ),
            (ingress(top: "sepc: {}"), "1:1", "sepc", "did you mean 'spec'?"),
            (ingress(paths: "path"), "10:9", "path", "did you mean 'paths'? allowed: paths"),
        ])
    func unknown(text: String, place: String, key: String, help: String) throws {
        let found = load(text)
        #expect(found.configuration != nil)
        let diagnostic = try #require(
            found.diagnostics.first { $0.message.contains("unknown key '\(key)'") })
        #expect(diagnostic.message == "Ingress default/shop: unknown key '\(key)' has no effect")
        #expect("\(diagnostic.line):\(diagnostic.column)" == place)
        #expect(diagnostic.help == help)
    }

    @Test("an object as a cluster has it has none")
    func known() {
        let rest = "status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}"
        let found = load(ObjectShapeTests.ingress(top: rest, spec: "tls: []"))
        #expect(!found.diagnostics.contains { $0.message.contains("unknown key") })
    }
}
