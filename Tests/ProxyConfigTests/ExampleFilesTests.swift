import ProxyCore
import StickyPolicy
import Testing

@testable import ProxyConfig

@Suite struct ExampleFilesTests {
    private func example(_ name: String) throws -> SourceFile {
        SourceFile(name: name, text: try projectFile("config/\(name)"))
    }

    @Test("the example of the short form loads, and only advises cookie keys")
    func shortFormExample() throws {
        let result = ConfigurationLoader.load([try example("routes.example.yaml")])
        let expected = try configuration("cookieKeys: []")
        let loaded = try #require(result.configuration, "\(result.rendered)")
        #expect(
            result.diagnostics.map(\.message) == [
                "affinity cookies can be forged: there are no 'cookieKeys'"
            ])
        #expect(loaded.listeners == expected.listeners && loaded.clientIP == expected.clientIP)
        #expect(loaded.timeouts == expected.timeouts && loaded.limits == expected.limits)
        #expect(loaded.sessionLimit == expected.sessionLimit)
        #expect(loaded.workers == expected.workers)
    }

    @Test("the example of the short form names every key", arguments: ShortFormSchema.all)
    func exampleNamesEveryKey(schema: Schema) throws {
        let text = String(decoding: try example("routes.example.yaml").text, as: UTF8.self)
        for name in schema.names {
            #expect(text.contains("\(name):"), "\(name) of \(schema.subject)")
        }
    }

    @Test("the Kubernetes example is one sticky route to two node ports")
    func kubernetesExample() throws {
        let result = ConfigurationLoader.load([try example("kubernetes.example.yaml")])
        let loaded = try #require(result.configuration, "\(result.rendered)")
        let route = try #require(loaded.routes.first)
        #expect(loaded.routes.count == 1 && route.host == .exact("shop.example.com"))
        #expect(route.origin.text == "Ingress default/shop")
        var cookie = CookieSettings()
        cookie.name = "SERVERID"
        cookie.mode = .persistent
        cookie.expires = 172_800
        cookie.maxAge = 172_800
        #expect(route.affinity.kind == .cookie(cookie))
        let service = loaded.services[route.service]
        #expect(service.name == "default/shop:80")
        #expect(service.backends.map(\.name) == ["192.168.1.10:30080", "192.168.1.11:30080"])
        #expect(service.clientIP == ClientIPSettings())
    }
}
