import ProxyConfig
import ProxyCore
import StickyPolicy
import Testing

@Suite struct GoodFilesTests {
    private func endpoint(_ text: String, _ port: UInt16) throws -> Endpoint {
        Endpoint(address: try #require(IPAddress(text)), port: port)
    }

    @Test("the smallest useful file has a default listener, a prefix route and a cookie")
    func smallestFile() throws {
        let result = try configuration(
            """
            routes:
              - backends: [127.0.0.1:30080, 127.0.0.1:30081]
                annotations: {affinity: cookie}
            """)
        #expect(result.listeners == [.tcp(try endpoint("0.0.0.0", 8080))])
        let route = try #require(result.routes.first)
        #expect(route.host == .any && route.path == "/" && route.pathType == .prefix)
        #expect(route.affinity.kind == .cookie(CookieSettings()))
        #expect(route.origin.text == "routes.yaml:2")
        let service = result.services[route.service]
        #expect(service.name == "*/")
        #expect(service.backends.map(\.name) == ["127.0.0.1:30080", "127.0.0.1:30081"])
        #expect(service.backends.allSatisfy { $0.weight == 1 && $0.state == .ready })
    }

    @Test("listeners are IPv4, IPv6 and Unix addresses")
    func listeners() throws {
        let result = try configuration(
            """
            listeners:
              - address: 127.0.0.1:0
              - {address: "[::1]:8443", proxyProtocol: false}
              - address: unix:/run/l7proxy.sock
              - address: localhost:81
            """)
        #expect(
            result.listeners == [
                .tcp(try endpoint("127.0.0.1", 0)), .tcp(try endpoint("::1", 8443)),
                .unix(path: "/run/l7proxy.sock"), .tcp(try endpoint("127.0.0.1", 81)),
            ])
    }

    @Test("a backend has a name, weight and state of its own")
    func backendMapping() throws {
        let result = try configuration(
            """
            services:
              shop:
                backends:
                  - {address: "[2001:db8::1]:80", name: node2, weight: 0, state: drain}
                  - {address: 10.0.0.1:80, maxConnections: 0, drainDeadline: 0}
            """)
        let backends = result.services[0].backends
        #expect(backends[0].name == "node2" && backends[0].weight == 0)
        #expect(backends[0].state == .drain)
        #expect(backends[0].endpoint == (try endpoint("2001:db8::1", 80)))
        #expect(backends[1].name == "10.0.0.1:80" && backends[1].state == .ready)
    }

    @Test("a nodePort is every node at that port, once")
    func nodePort() throws {
        let result = try configuration(
            "nodes: [10.0.0.1, 10.0.0.2, 10.0.0.1]\nservices: {a: {nodePort: 30080}}")
        let names = result.services[0].backends.map(\.name)
        #expect(names == ["10.0.0.1:30080", "10.0.0.2:30080"])
    }

    @Test("sessionAffinity ClientIP is the affinity of a route that says nothing")
    func clientIPOfService() throws {
        let result = try configuration(
            """
            services:
              a:
                backends: [10.0.0.1:80]
                sessionAffinity: ClientIP
                sessionAffinityConfig: {clientIP: {timeoutSeconds: 60, prefixLengthV6: 64}}
            routes:
              - {path: /plain, service: a}
              - {path: /cookie, service: a, annotations: {affinity: cookie}}
              - {path: /none, service: a, annotations: {affinity: none}}
              - {path: /ip, service: a, annotations: {affinity: client-ip, session-timeout: 5}}
            """)
        var settings = ClientIPSettings()
        settings.timeoutSeconds = 60
        settings.prefixLengthV6 = 64
        #expect(result.services[0].clientIP == settings)
        let kinds = result.routes.map(\.affinity.kind)
        #expect(kinds[0] == .clientIP(settings))
        #expect(kinds[1] == .cookie(CookieSettings()))
        #expect(kinds[2] == .none)
        settings.timeoutSeconds = 5
        #expect(kinds[3] == .clientIP(settings))
    }

    @Test("a route by client-ip follows sessionAffinityConfig, whatever the service is by itself")
    func clientIPOfRoute() throws {
        let result = try configuration(
            """
            services:
              a:
                backends: [10.0.0.1:80]
                sessionAffinityConfig: {clientIP: {timeoutSeconds: 60, prefixLength: 24}}
            routes:
              - {path: /plain, service: a}
              - {path: /ip, service: a, annotations: {affinity: client-ip}}
            """)
        var settings = ClientIPSettings()
        (settings.timeoutSeconds, settings.prefixLength) = (60, 24)
        #expect(result.routes.map(\.affinity.kind) == [.none, .clientIP(settings)])
    }

    @Test("the file's annotations are defaults of its routes, and of its default service")
    func fileAnnotations() throws {
        let result = try configuration(
            """
            services: {a: {backends: [10.0.0.1:80]}}
            annotations: {affinity: cookie, session-cookie-name: A}
            defaultService: a
            routes:
              - {path: /one, service: a}
              - {path: /two, service: a, annotations: {session-cookie-name: B}}
              - {path: /three, service: a, annotations: {affinity: none}}
            """)
        var cookie = CookieSettings()
        cookie.name = "A"
        #expect(result.defaultService == 0)
        #expect(result.defaultAffinity.kind == .cookie(cookie))
        #expect(result.routes[0].affinity.kind == .cookie(cookie))
        cookie.name = "B"
        #expect(result.routes[1].affinity.kind == .cookie(cookie))
        #expect(result.routes[2].affinity.kind == .none)
    }

    @Test("timeouts, limits, clients and keys are read")
    func settings() throws {
        let result = try configuration(
            """
            clientIP: {from: x-forwarded-for, trusted: [10.0.0.0/8, "fd00::/8"]}
            sourceAddresses: [172.30.0.101]
            cookieKeys: [key.bin, /etc/key.bin, env:KEY]
            sessionStore: memory
            sessionLimit: 10
            timeouts: {connect: 250ms, requestHead: 5, clientIdle: 2m, tunnelIdle: 1h, drain: 0}
            limits: {requestHead: 64k, requestBody: 1g, headers: 200, connections: 0}
            workers: 3
            """)
        #expect(result.clientIP.source == .xForwardedFor)
        let networks = [IPNetwork("10.0.0.0/8"), IPNetwork("fd00::/8")]
        #expect(result.clientIP.trusted == networks.compactMap(\.self))
        #expect(result.sourceAddresses == [IPAddress("172.30.0.101")].compactMap(\.self))
        #expect(
            result.cookieKeys == [.file("key.bin"), .file("/etc/key.bin"), .environment("KEY")])
        #expect(result.sessionLimit == 10 && result.workers == .exactly(3))
        #expect(result.timeouts.connect == .milliseconds(250))
        #expect(result.timeouts.requestHead == .seconds(5))
        #expect(result.timeouts.clientIdle == .seconds(120))
        #expect(result.timeouts.tunnelIdle == .seconds(3600) && result.timeouts.drain == .zero)
        #expect(result.limits.requestHead == 65_536 && result.limits.headers == 200)
        #expect(result.limits.requestBody == 1 << 30 && result.limits.connections == 0)
        #expect(result.limits.responseHead == Limits().responseHead)
    }

    @Test("hosts are lower case, and a wildcard stands for one label")
    func hosts() throws {
        let result = try configuration(
            """
            routes:
              - {host: Shop.Example.COM, backends: [10.0.0.1:80]}
              - {host: "*.example.com", path: /a, pathType: Exact, backends: [10.0.0.1:80]}
            """)
        #expect(result.routes[0].host == .exact("shop.example.com"))
        #expect(result.routes[1].host == .wildcard(suffix: "example.com"))
        #expect(result.routes[1].pathType == .exact)
        #expect(result.services.map(\.name) == ["shop.example.com/", "=*.example.com/a"])
    }

    @Test("server-alias serves the same route under more hosts, but takes none away")
    func serverAlias() throws {
        let result = load(
            """
            services: {a: {backends: [10.0.0.1:80]}}
            routes:
              - {host: b.example.com, service: a}
              - host: a.example.com
                service: a
                annotations: {server-alias: "www.example.com, b.example.com"}
            """)
        let hosts = try #require(result.configuration).routes.map(\.host)
        #expect(
            hosts == [
                .exact("b.example.com"), .exact("a.example.com"), .exact("www.example.com"),
            ])
        #expect(
            result.summary == [
                "4:5: warning: server-alias: b.example.com/ is already routed at routes.yaml:3"
            ])
    }

    @Test("externalTrafficPolicy Local is worth a note, which is no warning")
    func localPolicy() {
        let policy = "services: {a: {backends: [10.0.0.1:80], externalTrafficPolicy: Local}}"
        let result = load("defaultService: a\n" + policy, strict: true)
        #expect(result.configuration != nil)
        #expect(result.diagnostics.map(\.severity) == [.note])
    }

    @Test("no file at all is a configuration without routes")
    func noFiles() throws {
        let result = ConfigurationLoader.load([])
        #expect(try #require(result.configuration).listeners.count == 1)
        #expect(result.diagnostics.isEmpty)
    }

    @Test("null values, anchors and a byte order mark are read")
    func yamlFeatures() throws {
        let result = try configuration(
            "\u{FEFF}services: &all\n  a: {backends: &list [10.0.0.1:80]}\n"
                + "  b: {backends: *list}\nroutes:\n"
        )
        #expect(result.services[0].backends == result.services[1].backends)
    }
}

@Suite struct SeveralFilesTests {
    @Test("services of one file serve routes of another, and lists add up")
    func addUp() throws {
        let result = load([
            "conf/a.yaml": "nodes: [10.0.0.1]\ncookieKeys: [a.key]\nroutes: [{service: shop}]",
            "conf/b.yaml":
                "nodes: [10.0.0.2]\ncookieKeys: [b.key]\nservices: {shop: {nodePort: 30080}}",
        ])
        let merged = try #require(result.configuration, "\(result.rendered)")
        #expect(merged.services[0].backends.map(\.name) == ["10.0.0.1:30080", "10.0.0.2:30080"])
        #expect(merged.cookieKeys == [.file("conf/a.key"), .file("conf/b.key")])
        #expect(merged.routes[0].origin.text == "conf/a.yaml:3")
    }

    @Test("a value set in two files is an error, other keys of its mapping are not")
    func setOnce() {
        let result = load([
            "a.yaml": "timeouts: {connect: 1s}\nservices: {s: {backends: [10.0.0.1:80]}}",
            "b.yaml":
                "timeouts: {connect: 2s, drain: 1s}\nservices: {s: {backends: [10.0.0.1:80]}}",
        ])
        #expect(
            result.summary == [
                "1:12: error: 'timeouts.connect' is already set at a.yaml:1",
                "2:12: error: service 's' is already defined at a.yaml:2",
            ])
        #expect(result.diagnostics.map(\.file) == ["b.yaml", "b.yaml"])
    }
}
