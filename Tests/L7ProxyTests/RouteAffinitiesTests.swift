import ProxyConfig
import StickyPolicy
import Testing

@testable import L7Proxy

@Suite("The affinities of a configuration")
struct RouteAffinitiesTests {
    private static let routes = """
        services:
          shop: {backends: [10.1.0.1:80]}
          blog: {backends: [10.1.0.2:80]}
        annotations: {affinity: cookie}
        routes:
          - {host: a.test, service: shop}
          - {host: b.test, service: shop}
          - {host: b.test, path: /x, service: shop}
          - {host: c.test, service: blog}
          - {host: d.test, service: shop, annotations: {session-cookie-max-age: 60}}
        """

    @Test("routes share one where only their hosts differ, and nowhere else")
    func sharing() throws {
        let loaded = ConfigurationLoader.load([SourceFile(name: "r.yaml", text: Self.routes)])
        let configuration = try #require(loaded.configuration)
        var affinities = RouteAffinities(
            configuration,
            resources: RouteAffinity.Resources(
                authenticator: HMACAuthenticator(secrets: [[1]]),
                sessions: SessionTable(limit: 10, seed: SessionTable.HashSeed(0, 0)),
                loads: BackendLoads()))
        let made = configuration.routes.map { affinities.make($0) }
        try #require(made.count == 5)
        #expect(made[0] === made[1])
        for other in 2..<5 { #expect(made[other] !== made[0]) }
        #expect(Set(made.map { ObjectIdentifier($0) }).count == 4)
    }

    @Test("sessions belong to a service, in whatever way its backends are spoken to")
    func scopes() throws {
        let loaded = ConfigurationLoader.load([
            SourceFile(
                name: "r.yaml",
                text: """
                    services:
                      shop: {backends: [10.1.0.1:80]}
                      blog: {backends: [10.1.0.1:80]}
                    annotations: {affinity: cookie}
                    routes:
                      - {host: a.test, service: shop, annotations: {backend-protocol: HTTPS}}
                      - host: b.test
                        service: shop
                        annotations: {backend-protocol: HTTPS, proxy-ssl-verify: "off"}
                      - {host: c.test, service: blog}
                    """)
        ])
        let configuration = try #require(loaded.configuration)
        let profiles = configuration.services.enumerated().map { position, service in
            ServiceProfile(service, position: position, loads: BackendLoads())
        }
        let scopes = Dictionary(uniqueKeysWithValues: profiles.map { ($0.name, $0.sessionScope) })
        #expect(
            scopes == [
                "shop": "shop", "shop/https": "shop", "shop/https-2": "shop", "blog": "blog",
            ])
        #expect(Set(profiles.map(\.identity)).count == 2)
    }
}
