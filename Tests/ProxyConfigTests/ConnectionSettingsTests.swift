import ProxyConfig
import ProxyCore
import Testing

/// What a file says about connections: PROXY headers, other protocols, the time before a stop.
@Suite("Settings of connections")
struct ConnectionSettingsTests {
    @Test("a listener has a limit of its own for its connections")
    func listenerLimit() throws {
        let result = try #require(
            load(
                """
                listeners:
                  - {address: "127.0.0.1:1", limits: {connections: 3}}
                  - {address: "127.0.0.1:2", limits: {connections: 0}}
                  - {address: "127.0.0.1:3"}
                """
            ).configuration)
        #expect(result.listeners.map { result.listenerConnections[$0] } == [3, 0, nil])
        for wrong in ["-1", "10000001", "many", "1.5"] {
            let mistake = load(
                "listeners: [{address: 127.0.0.1:1, limits: {connections: \(wrong)}}]")
            #expect(mistake.configuration == nil, "\(wrong)")
        }
    }

    @Test("a listener takes PROXY headers exactly when it says so")
    func proxyProtocol() throws {
        let listeners = """
            listeners:
              - {address: "127.0.0.1:1", proxyProtocol: true}
              - {address: "127.0.0.1:2", proxyProtocol: false}
              - {address: "unix:/run/a", proxyProtocol: true}
              - {address: "127.0.0.1:3"}
            """
        let result = try configuration(listeners)
        #expect(result.proxyProtocolListeners == [result.listeners[0], result.listeners[2]])
        let mistake = load("listeners: [{address: 127.0.0.1:1, proxyProtocol: v2}]")
        #expect(mistake.configuration == nil)
    }

    @Test("preStop is a duration, and none by default")
    func preStop() throws {
        #expect(try configuration("timeouts: {preStop: 5s}").timeouts.preStop == .seconds(5))
        #expect(try configuration("timeouts: {drain: 5s}").timeouts.preStop == .zero)
    }

    @Test(
        "upgrade-protocols names protocols, with versions, in any case",
        arguments: [
            ("spice", ["spice"]), ("\"Spice, TCP/1.0\"", ["spice", "tcp/1.0"]),
            ("'a,b'", ["a", "b"]),
        ])
    func upgradeProtocols(value: String, names: [String]) throws {
        let file = "routes: [{backends: [10.0.0.1:80], annotations: {upgrade-protocols: \(value)}}]"
        #expect(try configuration(file).routes[0].upgradeProtocols == names)
    }

    @Test(
        "h2c and what is no name are refused",
        arguments: ["h2c", "\"spice, H2C\"", "\"a b\"", "\"é\"", "\"a;b\""])
    func badUpgradeProtocols(value: String) {
        let file = "routes: [{backends: [10.0.0.1:80], annotations: {upgrade-protocols: \(value)}}]"
        #expect(load(file).configuration == nil)
    }

    @Test("no route allows another protocol by itself, and aliases allow what their route does")
    func routes() throws {
        let plain = try configuration("routes: [{backends: [10.0.0.1:80]}]")
        #expect(plain.routes[0].upgradeProtocols == [])
        let aliased = try configuration(
            """
            annotations: {upgrade-protocols: spice, server-alias: b.c}
            routes: [{host: a.b, backends: [10.0.0.1:80]}]
            """)
        #expect(aliased.routes.map(\.upgradeProtocols) == [["spice"], ["spice"]])
    }
}
