import ProxyCore
import StickyPolicy
import Testing

@testable import ProxyConfig

@Suite struct HostNamesTests {
    @Test(
        "a backend may be a host name with a port",
        arguments: [
            ("app.internal:8080", "app.internal"), ("APP:8080", "app"), ("a_b.c:8080", "a_b.c"),
            ("app.internal.:8080", "app.internal."), ("1.2.3.a:8080", "1.2.3.a"),
        ])
    func good(text: String, host: String) throws {
        let named = try configuration("routes: [{backends: [\"\(text)\"]}]").services[0].named
        #expect(named == [NamedBackend(host: host, port: 8_080)])
    }

    @Test(
        "what is neither address nor name is an error, as is a mistyped address",
        arguments: [
            "10.0.0.300:80", "1.2.3:80", "a..b:80", "-a:80", "a b:80", "app", "app:", "app:0",
            "app:65536", ".:80", "..:80", "[app]:80", "http://app:80", "a.300:80",
        ])
    func bad(text: String) {
        #expect(load("routes: [{backends: [\"\(text)\"]}]").configuration == nil)
    }

    @Test("RFC 1123 §2.1: a label has 1 to 63 bytes, a name 253, and a hyphen stands inside")
    func limits() {
        let label = { (count: Int) in String(repeating: "a", count: count) }
        for good in ["a", "a-b", "a--b.c_d", label(63) + ".b", label(63)] {
            #expect(RouteText.isName(good), "\(good)")
        }
        let long = Array(repeating: label(49), count: 5).joined(separator: ".")
        #expect(long.utf8.count == 249)
        #expect(RouteText.isName(long + ".abc") && !RouteText.isName(long + ".abcd"))
        for bad in ["", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a-.b", label(64), "a b", "é"]
        {
            #expect(!RouteText.isName(bad), "\(bad)")
        }
    }

    @Test("what a mapping says holds for each address of its name")
    func mapping() throws {
        let file = """
            services:
              s:
                backends:
                  - 10.0.0.1:80
                  - {address: "app:80", name: a, weight: 3, maxConnections: 4, state: drain}
            """
        let loaded = try configuration(file)
        #expect(loaded.hostNames == ["app"])
        let backends = loaded.resolved(with: ["app": [IPAddress(v4: 7)]]).services[0].backends
        #expect(backends.map(\.name) == ["10.0.0.1:80", "a"])
        #expect(backends[1].weight == 3 && backends[1].maxConnections == 4)
        #expect(backends[1].state == .drain && backends[1].host == "app")
        #expect(loaded.resolved(with: [:]).services[0].backends.count == 1)
    }

    @Test(
        "the interval is from a second to a day",
        arguments: [("999ms", false), ("1s", true), ("24h", true), ("86401", false)])
    func interval(text: String, isGood: Bool) {
        let result = load("resolver: {interval: \(text)}")
        #expect((result.configuration != nil) == isGood)
    }

    @Test("of more than a thousand names the first are looked up", arguments: [1_000, 1_001])
    func bound(count: Int) throws {
        let names = (0..<count).map { "\"h\($0):80\"" }.joined(separator: ", ")
        let result = load("routes: [{backends: [\(names)]}]")
        #expect(try #require(result.configuration).hostNames.count == 1_000)
        #expect(
            result.diagnostics.contains { $0.message.contains("host names") } == (count > 1_000))
    }

    private static func external(_ spec: String, port: String = "number: 8443") -> String {
        """
        {apiVersion: v1, kind: Service, metadata: {name: s}, spec: {type: ExternalName, \(spec)}}
        ---
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: i}
        spec:
          rules:
            - http:
                paths:
                  - {path: /, pathType: Prefix, backend: {service: {name: s, port: {\(port)}}}}
        """
    }

    @Test(
        "a Service of type ExternalName is a host name, at its target port or the Ingress's",
        arguments: [
            ("externalName: db.example.com", 8_443),
            ("externalName: DB.example.com, ports: [{port: 8443, targetPort: 443}]", 443),
            ("externalName: db.example.com, ports: [{port: 8443, targetPort: tls}]", 8_443),
            ("externalName: db.example.com, ports: [{port: 1, targetPort: 2}]", 8_443),
        ])
    func externalName(spec: String, port: UInt16) throws {
        let service = try configuration(HostNamesTests.external(spec)).services[0]
        #expect(service.named == [NamedBackend(host: "db.example.com", port: port)])
        #expect(service.backends == [] && service.ingressNginxName == "default-s-8443")
    }

    @Test("an ExternalName that is an address is one, and one that is nothing answers 503")
    func externalAddress() throws {
        let address = try configuration(HostNamesTests.external("externalName: 192.0.2.1"))
        #expect(address.services[0].backends.map(\.name) == ["192.0.2.1:8443"])
        let nothing = load(HostNamesTests.external("externalName: 'a b'"))
        #expect(nothing.configuration?.services[0].named == [])
        #expect(nothing.diagnostics.contains { $0.message.contains("is no host name") })
        let unnamed = load(
            HostNamesTests.external("externalName: a.b", port: "name: web"))
        #expect(unnamed.configuration?.services[0].named == [])
    }
}
