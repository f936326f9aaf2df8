import ProxyConfig
import ProxyCore
import StickyPolicy
import Testing

@Suite struct ShortFormTests {
    @Test("the smallest useful file has a default listener, a prefix route and a cookie")
    func smallestFile() throws {
        let result = try configuration(
            """
            routes:
              - backends: [127.0.0.1:30080, 127.0.0.1:30081]
                annotations: {affinity: cookie}
            """)
        #expect(result.listeners == [.tcp(Endpoint(address: IPAddress(v4: 0), port: 8080))])
        let route = try #require(result.routes.first)
        #expect(route.host == .any && route.path == "/" && route.pathType == .prefix)
        #expect(route.affinity.kind == .cookie(CookieSettings()))
        #expect(route.origin == "routes.yaml:2")
        let backends = result.services[route.service].backends
        #expect(backends.map(\.name) == ["127.0.0.1:30080", "127.0.0.1:30081"])
    }
}
