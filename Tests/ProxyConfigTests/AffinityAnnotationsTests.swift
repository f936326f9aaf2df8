import ProxyCore
import StickyPolicy
import Testing

@testable import ProxyConfig

@Suite("annotations of affinity") struct AffinityAnnotationsTests {
    private func text(_ annotations: String) -> String {
        """
        cookieKeys: [key]
        routes:
          - host: a.example
            backends: [10.0.0.1:80, 10.0.0.2:80]
            annotations: {\(annotations)}
        """
    }

    private func affinity(_ annotations: String) throws -> AffinitySettings {
        try configuration(text(annotations)).routes[0].affinity
    }

    private func cookie(_ annotations: String) throws -> CookieSettings? {
        if case .cookie(let cookie) = try affinity("affinity: cookie, " + annotations).kind {
            return cookie
        }
        return nil
    }

    @Test("the options of the cookie")
    func cookieOptions() throws {
        let settings = try #require(
            try cookie(
                "session-cookie-format: ingress-nginx, session-cookie-accept: sealed, "
                    + "session-cookie-partitioned: true, session-cookie-strip: true, "
                    + "session-cookie-nocache: true, session-cookie-max-idle: 60, "
                    + "session-cookie-secure: true"))
        #expect(settings.format == .ingressNginx && !settings.acceptsBoth)
        #expect(settings.partitioned && settings.strip && settings.noCache)
        #expect(settings.maxIdle == 60)
    }

    @Test("error on a lost session, and the balancer of a route")
    func others() throws {
        let settings = try affinity("affinity: cookie, session-on-lost: error, load-balance: ewma")
        #expect(settings.onLost == .error && settings.balance == .ewma)
    }

    @Test("by a field, which has to be named")
    func header() throws {
        let settings = try affinity(
            "affinity: header, session-header-name: X-User, hash-balance-factor: 125")
        var expected = HashSettings(key: .field("X-User"))
        expected.balanceFactor = 125
        #expect(settings.kind == .hash(expected))
        let result = load(text("affinity: header"))
        #expect(
            result.summary == [
                "3:5: error: 'affinity: header' names no field: every request is balanced"
            ])
    }

    @Test("by an expression, below a cookie and above the balancer")
    func expression() throws {
        var expected = HashSettings(key: .expression(HashExpression(parts: [.requestURI])))
        #expect(try affinity("upstream-hash-by: $request_uri").kind == .hash(expected))
        expected.subsetSize = 3
        let subset = "upstream-hash-by: $request_uri, upstream-hash-by-subset: true"
        #expect(try affinity(subset).kind == .hash(expected))
        #expect(try affinity(subset + ", upstream-hash-by-subset-size: 0").kind == .hash(expected))
        expected.subsetSize = 5
        #expect(try affinity(subset + ", upstream-hash-by-subset-size: 5").kind == .hash(expected))
        #expect(try cookie("upstream-hash-by: $request_uri") == CookieSettings())
    }

    @Test(
        "an expression that cannot be read is named",
        arguments: [
            ("$nothing", "no $nothing"), ("a b", "made of letters"), ("a/b", "made of letters"),
            ("${host", "whole variables"), ("$", "whole variables"), ("a}", "whole variables"),
        ])
    func badExpression(text expression: String, reason: String) {
        let result = load(text("upstream-hash-by: '\(expression)'"))
        #expect(result.configuration == nil)
        #expect(result.diagnostics.map(\.message).allSatisfy { $0.contains(reason) })
    }

    @Test("by the application's own cookie")
    func application() throws {
        var expected = ApplicationCookieSettings(mode: .learn(timeoutSeconds: 10_800))
        #expect(try affinity("affinity: learn").kind == .application(expected))
        expected = ApplicationCookieSettings(mode: .learn(timeoutSeconds: 60))
        expected.cookieName = "SID"
        let learn = "affinity: learn, session-learn-cookie: SID, session-timeout: 60"
        #expect(try affinity(learn).kind == .application(expected))
        let suffix = ApplicationCookieSettings(mode: .routeSuffix)
        #expect(try affinity("affinity: route-suffix").kind == .application(suffix))
    }

    @Test("a canary has the affinity of its primary, or as legacy none")
    func canary() throws {
        func loaded(_ more: String) throws -> Route {
            let routes = try configuration(
                text("affinity: cookie") + "\n  - {host: a.example, backends: [10.0.0.9:80], "
                    + "annotations: {canary: true, \(more)}}"
            ).routes
            #expect(routes.count == 1)
            return routes[0]
        }
        let sticky = try loaded("canary-by-header: X-Canary, canary-by-header-value: me")
        #expect(sticky.canary?.affinity == sticky.affinity)
        #expect(sticky.canary?.settings.header == "X-Canary")
        #expect(sticky.canary?.settings.headerValue == "me")
        let legacy = try loaded("affinity-canary-behavior: legacy, canary-precedence: rule")
        #expect(legacy.canary?.affinity.kind == AffinitySettings.Kind.none)
        #expect(legacy.canary?.settings.precedence == .rule)
    }

    @Test("services and backends: slow start, deadline, balance, and the name for a migration")
    func services() throws {
        let service = try configuration(
            """
            services:
              shop:
                backends: [{address: 10.0.0.1:8080, state: drain, drainDeadline: 30m}]
                balance: least_conn
                slowStart: 20s
            """
        ).services[0]
        #expect(service.balance == .leastConnections && service.slowStart == .seconds(20))
        #expect(service.backends[0].drainDeadline == .seconds(1800))
        #expect(service.ingressNginxName == "default-shop-8080")
        let named = try configuration(
            "services: {shop: {backends: [10.0.0.1:80], ingressNginxName: web-shop-http}}")
        #expect(named.services[0].ingressNginxName == "web-shop-http")
    }

    @Test(
        "who the client is, by any of the fields",
        arguments: [
            ("connection", ClientIPRule.Source.connection), ("x-forwarded-for", .xForwardedFor),
            ("forwarded", .forwarded), ("x-real-ip", .xRealIP),
        ])
    func clientIP(word: String, source: ClientIPRule.Source) throws {
        #expect(try configuration("clientIP: {from: \(word)}").clientIP.source == source)
    }
}
