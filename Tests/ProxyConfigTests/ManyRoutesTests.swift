import ProxyConfig
import Testing

@Suite struct ManyRoutesTests {
    /// A quadratic search for duplicates takes minutes at this size, and the suite's time shows it.
    @Test("ten thousand routes, services and Ingresses load", .timeLimit(.minutes(1)))
    func tenThousand() throws {
        var text = "cookieKeys: [key]\nannotations: {affinity: cookie}\nservices:\n"
        for index in 0..<10_000 { text += "  s\(index): {backends: [10.0.0.1:80]}\n" }
        text += "routes:\n"
        for index in 0..<10_000 {
            text += "  - {host: h\(index % 100).example, path: /p\(index), service: s\(index)}\n"
        }
        for index in 0..<10_000 {
            text += """
                ---
                {apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i\(index)}, \
                spec: {rules: [{http: {paths: [{path: /i\(index), pathType: Prefix, backend: \
                {service: {name: none, port: {number: 80}}}}]}}]}}

                """
        }
        #expect(try configuration(text).routes.count == 20_000)
    }
}
