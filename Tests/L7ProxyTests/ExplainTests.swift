import ProxyConfig
import ProxyCore
import StickyPolicy
import Testing

@testable import L7Proxy

@Suite("explain")
struct ExplainTests {
    private static let routes = """
        clientIP: {from: x-forwarded-for, trusted: [10.0.0.0/8]}
        services:
          shop: {backends: [{address: 10.1.0.1:80, name: one}, {address: 10.1.0.2:80, name: two}]}
          down: {backends: [{address: 10.1.0.3:80, state: down}]}
        routes:
          - {host: shop.example.com, service: shop, annotations: {affinity: cookie}}
          - {host: shop.example.com, path: /down, service: down}
          - {host: other.example.com, service: shop}
          - host: secure.example.com
            service: shop
            annotations: {force-ssl-redirect: true}
          - {host: r.example.com, path: /api/.*, service: shop, annotations: {use-regex: true}}
          - host: r.example.com
            path: /api/v[0-9]/.*
            service: shop
            annotations: {use-regex: true}
        """

    private func report(
        _ url: String, _ fields: String..., of routes: String = routes
    ) throws -> ExplainReport {
        let loaded = ConfigurationLoader.load([SourceFile(name: "r.yaml", text: routes)])
        let snapshot = try ConfigSnapshot(
            explaining: #require(loaded.configuration),
            resources: RouteAffinity.Resources(
                authenticator: HMACAuthenticator(secrets: [[1]]),
                sessions: SessionTable(limit: 10, seed: SessionTable.HashSeed(0, 0)),
                loads: BackendLoads()))
        let request = try #require(ExplainedRequest(url: url, fields: fields))
        let peer = try #require(IPAddress("10.9.9.9"))
        var report = ExplainReport(snapshot, request, peer: peer)
        report.write()
        return report
    }

    @Test("the walk names client, route, losers, affinity, backends, choice and reason")
    func walk() throws {
        let report = try report("http://shop.example.com/cart", "X-Forwarded-For: 203.0.113.7")
        #expect(report.hasBackend)
        for expected in [
            "client     203.0.113.7 (clientIP.from: x-forwarded-for)",
            "the peer 10.9.9.9 is trusted", "203.0.113.7 is not trusted, so it is the client",
            "route      shop.example.com / Prefix -> shop (r.yaml:6)",
            "not shop.example.com /down Prefix -> down (r.yaml:7): another path",
            "not other.example.com / Prefix -> shop (r.yaml:8): another host",
            "affinity   cookie INGRESSCOOKIE (balanced)", "cookie     none",
            "one ready, weight 1", "owner of the key", "why        cookie: new",
        ] {
            #expect(report.text.contains(expected), "\(expected) in\n\(report.text)")
        }
    }

    @Test("a pattern that lost is asked about the path that patterns are asked about")
    func patterns() throws {
        let report = try report("http://r.example.com/x/../%61pi/v1/")
        #expect(report.text.contains("route      r.example.com /api/v[0-9]/.*"))
        #expect(report.text.contains("(r.yaml:12): it matches, and another is more specific"))
        let climbing = try self.report("http://r.example.com/../api/v1/")
        #expect(climbing.text.contains("(r.yaml:12): a backend may take it for this one"))
    }

    @Test("a key of the port is that of the listener where the request would arrive")
    func port() throws {
        let choices = try (8000..<8020).map { port in
            let report = try report(
                "http://shop.example.com/",
                of: """
                    listeners: [{address: "127.0.0.1:\(port)"}]
                    services:
                      shop:
                        backends:
                          - {address: 10.1.0.1:80, name: one}
                          - {address: 10.1.0.2:80, name: two}
                    routes: [{service: shop, annotations: {upstream-hash-by: $server_port}}]
                    """)
            return report.text.contains("choice     one")
        }
        #expect(Set(choices) == [true, false])
    }

    @Test("where the authority of clients is missing, the answer is 503 and no backend")
    func missingAuthority() throws {
        let report = try report(
            "https://partner.example.com/",
            of: """
                listeners: [{address: "127.0.0.1:8443", tls: {}}]
                services: {shop: {backends: [10.1.0.1:80]}}
                ---
                apiVersion: networking.k8s.io/v1
                kind: Ingress
                metadata:
                  name: partner
                  annotations: {nginx.ingress.kubernetes.io/auth-tls-secret: default/nobody}
                spec:
                  rules:
                    - host: partner.example.com
                      http:
                        paths:
                          - path: /
                            pathType: Prefix
                            backend: {service: {name: shop, port: {number: 80}}}
                """)
        let answer = "503: the authority of the clients' certificates cannot be read\n"
        #expect(report.text.hasSuffix(answer))
        #expect(!report.hasBackend)
    }

    @Test("of many routes that lost, those of the host are shown")
    func manyHosts() throws {
        var routes = "routes:\n"
        for number in 1...20 {
            routes += "  - {host: h\(number).example.com, backends: [10.1.0.1:80]}\n"
        }
        routes += "  - {host: h20.example.com, path: /late, backends: [10.1.0.1:80]}\n"
        let text = try report("http://h20.example.com/", of: routes).text
        #expect(text.contains("not h20.example.com /late"))
        #expect(text.contains("not h11.example.com /") && !text.contains("not h12.example.com /"))
        #expect(text.contains("and not 8 more"))
    }

    @Test("a value that a draining backend owns may still be served there, and that is said")
    func drainedValue() throws {
        let texts = try (0..<20).map { number in
            try report(
                "http://a/", "X-User: \(number)",
                of: """
                    services:
                      s: {backends: [10.1.0.1:80, {address: 10.1.0.2:80, state: drain}]}
                    annotations: {affinity: header, session-header-name: X-User}
                    routes: [{service: s}]
                    """
            ).text
        }
        let drained = texts.filter { $0.contains("why        header: drain") }
        #expect(!drained.isEmpty && drained.count < texts.count)
        for text in texts {
            #expect(text.contains("served there lately") == text.contains("header: drain"))
        }
    }

    @Test("the canary of a default backend gets what its rules say")
    func defaultCanary() throws {
        let prefix = "nginx.ingress.kubernetes.io/"
        let objects = [
            ("main", ""),
            ("next", "\(prefix)canary: \"true\", \(prefix)canary-by-header: X-C"),
        ].map { name, annotations in
            """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: \(name), annotations: {\(annotations)}}
            spec: {defaultBackend: {service: {name: \(name), port: {number: 80}}}}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: \(name)}
            spec: {type: NodePort, ports: [{port: 80, nodePort: 30080}]}
            ---
            """
        }
        let routes = objects.joined(separator: "\n") + "\nnodes: [10.1.0.1]\n"
        let canary = try report("http://any/", "X-C: always", of: routes)
        #expect(canary.text.contains("10.1.0.1:30080 (the canary)"))
        #expect(canary.text.contains("service    default/next:80"))
        #expect(try !report("http://any/", of: routes).text.contains("(the canary)"))
    }

    @Test("a bad cookie is called what it is")
    func forged() throws {
        let report = try report("http://shop.example.com", "Cookie: INGRESSCOOKIE=x")
        #expect(report.text.contains("cookie     not of our making"))
        #expect(report.text.contains("why        cookie: forged"))
    }

    @Test("a route that is served in TLS only sends the others there")
    func redirect() throws {
        let plain = try report("http://secure.example.com/")
        #expect(!plain.hasBackend && plain.text.contains("answer     308"))
        #expect(try report("https://secure.example.com/").hasBackend)
        #expect(try report("http://secure.example.com/", "X-Forwarded-Proto: https").hasBackend)
    }

    @Test("no backend, and no route")
    func nothing() throws {
        let down = try report("http://shop.example.com/down/1")
        #expect(!down.hasBackend && down.text.contains("answer     503"))
        #expect(down.text.contains("(r.yaml:6): it matches, and another is more specific"))
        let unknown = try report("https://nobody.example.com/")
        #expect(!unknown.hasBackend && unknown.text.contains("answer     404"))
    }

    @Test(
        "what cannot be asked for",
        arguments: ["", "shop.example.com", "ftp://a/", "http://", "http:///x", "http://a/ b"])
    func badURL(url: String) {
        #expect(ExplainedRequest(url: url, fields: []) == nil)
    }

    @Test("a field cannot smuggle a second line that is none")
    func badField() {
        #expect(ExplainedRequest(url: "http://a/", fields: ["no colon"]) == nil)
    }
}

@Suite("regular expressions")
struct RegularExpressionTests {
    @Test(
        "a pattern is searched for anywhere, with its case",
        arguments: [
            ("^de", "de-AT", true), ("de", "xx-de", true), ("^DE", "de", false),
            ("(?i)^DE$", "de", true), ("a(b)(c)", "abc", true), ("", "", true),
        ])
    func search(pattern: String, text: String, isFound: Bool) throws {
        let expression = try RegularExpression(pattern)
        let found = expression.matches(Array(text.utf8).span)
        #expect(found == isFound)
    }

    @Test(
        "a repeated group is followed to the end of a long path",
        arguments: ["/files/([a-z]|-)+$", "/files(/?[a-z])+$", "/files/(?:(a)|(b))*$"])
    func longPaths(pattern: String) throws {
        let expression = try RegularExpression(pattern)
        let path = Array("/files/".utf8) + Array(repeating: UInt8(ascii: "a"), count: 8_000)
        let found = expression.matches(path.span)
        #expect(found == true)
    }

    @Test("a search that explodes is given up")
    func limits() throws {
        let expression = try RegularExpression("^(a+)+$")
        let text = Array(repeating: UInt8(ascii: "a"), count: 60) + [0x62]
        let before = RegularExpression.givenUpCount
        let found = expression.matches(text.span)
        #expect(found == nil)
        #expect(RegularExpression.givenUpCount > before)
    }

    @Test("patterns of one host share what their searches may take", arguments: [2, 40])
    func sharedBudget(count: Int) {
        // Each alone is followed to its end, which takes a tenth of the budget.
        let routes = (0..<count).map { pattern("/(a|b)*(a|b)*(a|b)*(?#\($0))$") }
        let host: [UInt8] = []
        let path = Array("/".utf8) + Array(repeating: UInt8(ascii: "a"), count: 16) + [0x63]
        for route in routes {
            let alone = RouteTable(compiling: [route]).resolve(host: host.span, path: path.span)
            #expect(alone == .none)
        }
        let together = RouteTable(compiling: routes).resolve(host: host.span, path: path.span)
        #expect(together == (count == 2 ? .none : .ambiguous))
    }

    private func pattern(_ text: String) -> Route {
        var route = Route(
            host: .any, path: text, pathType: .implementationSpecific, service: 0,
            treatment: RouteTreatment(affinity: AffinitySettings()),
            origin: RouteOrigin(object: "test"))
        route.isPattern = true
        return route
    }

    @Test(
        "a route's pattern matches from the first byte of the path, in any case",
        arguments: [
            ("/foo/.*", "/FOO/1", true), ("/foo/.*", "/x/foo/1", false), ("/a|/b", "/x/b", false),
            ("/api/v[0-9]", "/api/v2/users", true), ("/api/v[0-9]$", "/api/v2/users", false),
        ])
    func route(pattern: String, path: String, isFound: Bool) {
        let route = self.pattern(pattern)
        let host: [UInt8] = []
        let match = RouteTable(compiling: [route]).resolve(
            host: host.span, path: Array(path.utf8).span)
        #expect(match == (isFound ? .route(0) : .none))
    }

    @Test(
        "a group stands for what it matched, and for nothing where it took no part",
        arguments: [(1, "ann"), (2, ""), (3, "a/b"), (4, ""), (9, "")])
    func captures(group: Int, text: String) throws {
        let pattern = try #require(RegularExpression.path("/user/([^/]+)/(x)?(.*)"))
        let path = Array("/USER/ann/a/b".utf8)
        let groups = pattern.groups(of: path.span)
        #expect(groups.map { String(decoding: path[$0[group]], as: UTF8.self) } == text)
        let other = Array("/users".utf8)
        let none = pattern.groups(of: other.span)
        #expect(none == nil)
    }

    @Test("of more groups than nine the first nine are told", arguments: [8, 9, 10, 12])
    func manyCaptures(count: Int) throws {
        let pattern = try #require(
            RegularExpression.path(String(repeating: "(.)", count: count)))
        let text = Array("abcdefghijkl".utf8)
        let groups = pattern.groups(of: text.span)
        #expect(groups?[1] == 0..<1)
        #expect(groups?[9] == (count < 9 ? 0..<0 : 8..<9))
    }

    @Test("a malformed pattern says where")
    func malformed() {
        #expect(RegularExpression.fault(in: "a(b")?.contains("at offset 3") == true)
        #expect(RegularExpression.fault(in: "a(b)") == nil)
    }
}
