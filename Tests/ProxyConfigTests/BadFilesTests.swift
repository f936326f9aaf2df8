import ProxyConfig
import Testing

/// A file with mistakes, and all that is said about it.
struct BadFile: Sendable, CustomTestStringConvertible {
    var name: String
    var text: String
    var summary: [String]

    init(_ name: String, _ text: String, _ summary: String...) {
        self.name = name
        self.text = text
        self.summary = summary
    }

    var testDescription: String { name }
}

@Suite struct BadFilesTests {
    @Test("a mistake names its place, what was found and what is allowed", arguments: table)
    func mistake(file: BadFile) {
        let result = load(file.text)
        #expect(result.configuration == nil)
        #expect(result.summary == file.summary)
    }

    static let table = [
        BadFile(
            "an unknown key at the top", "rotues: []",
            "1:1: error: unknown key 'rotues' in the routes file"),
        BadFile(
            "an unknown key in a service", "services:\n  shop:\n    bakends: [10.0.0.1:80]",
            "2:3: error: service 'shop' has no backends",
            "3:5: error: unknown key 'bakends' in a service"),
        BadFile(
            "a list where a mapping belongs", "services: [a]",
            "1:11: error: 'services' must be a mapping, found a list"),
        BadFile(
            "text where a list belongs", "routes: shop",
            "1:9: error: 'routes' must be a list, found 'shop'"),
        BadFile(
            "a dangling service",
            "services: {shop: {backends: [10.0.0.1:80]}}\nroutes: [{service: shpo}]",
            "2:20: error: 'service': there is no service 'shpo'"),
        BadFile(
            "a dangling default service", "defaultService: shop",
            "1:17: error: 'defaultService': there is no service 'shop'"),
        BadFile(
            "a duplicate route",
            """
            services: {shop: {backends: [10.0.0.1:80]}}
            routes:
              - {host: A.example.com, path: /x, service: shop}
              - {host: a.example.com, path: /x/, service: shop}
            """, "4:33: error: duplicate route: a.example.com/x/ is already routed at routes.yaml:3"
        ),
        BadFile(
            "two inline routes without host and path",
            "routes:\n  - backends: [10.0.0.1:80]\n  - backends: [10.0.0.2:80]",
            "3:5: error: duplicate route: */ is already routed at routes.yaml:2"),
        BadFile(
            "both nodePort and backends",
            "nodes: [10.0.0.1]\nservices:\n  a:\n    nodePort: 30080\n    backends: [10.0.0.1:80]",
            "4:5: error: service 'a' has both 'nodePort' and 'backends'"),
        BadFile(
            "nodePort without nodes", "services: {a: {nodePort: 30080}}",
            "1:16: error: 'nodePort' needs to know the nodes"),
        BadFile(
            "a slash in a service's name", "services: {a/b: {backends: [10.0.0.1:80]}}",
            "1:12: error: 'services' must be a name without '/', found 'a/b'"),
        BadFile(
            "an empty list of backends", "services: {a: {backends: []}}",
            "1:26: error: 'backends' is empty"),
        BadFile(
            "a backend that is neither address nor name", "services: {a: {backends: [a_b!:8080]}}",
            "1:27: error: 'backends' must be an address and port such as 192.0.2.1:8080, "
                + "[2001:db8::1]:8080 or app.internal:8080, found 'a_b!:8080'"),
        BadFile(
            "a backend twice", "services: {a: {backends: [10.0.0.1:80, {address: 10.0.0.1:80}]}}",
            "1:40: error: the backend '10.0.0.1:80' is listed twice"),
        BadFile(
            "a backend without an address", "services: {a: {backends: [{weight: 2}]}}",
            "1:27: error: a backend needs an 'address'"),
        BadFile(
            "a weight that is none",
            "services: {a: {backends: [{address: 10.0.0.1:80, weight: -1}]}}",
            "1:58: error: 'weight' must be a whole number from 0 to 256, found '-1'"),
        BadFile(
            "an unknown state", "services: {a: {backends: [{address: 10.0.0.1:80, state: dran}]}}",
            "1:57: error: 'state' must be one of ready, drain, down, found 'dran'"),
        BadFile(
            "a route that leads nowhere", "routes: [{path: /a}]",
            "1:10: error: a route leads nowhere"),
        BadFile(
            "a route with service and backends",
            "services: {a: {backends: [10.0.0.1:80]}}\n"
                + "routes: [{service: a, backends: [10.0.0.1:80]}]",
            "2:23: error: a route has both 'service' and 'backends'"),
        BadFile(
            "a path without its slash", "routes: [{path: shop, backends: [10.0.0.1:80]}]",
            "1:17: error: 'path' must be a path of visible ASCII characters that begins with '/', "
                + "found 'shop'"),
        BadFile(
            "a host with a port", "routes: [{host: 'a.example.com:80', backends: [10.0.0.1:80]}]",
            "1:17: error: 'host' must be a host name such as shop.example.com or *.example.com, "
                + "found 'a.example.com:80'"),
        BadFile(
            "a host twice", "routes: [{host: a.example, host: b.example, backends: [10.0.0.1:80]}]",
            "1:28: error: the key 'host' stands twice in one mapping"),
        BadFile(
            "an unknown pathType", "routes: [{pathType: prefix, backends: [10.0.0.1:80]}]",
            "1:21: error: 'pathType' must be one of Exact, Prefix, ImplementationSpecific, "
                + "found 'prefix'"),
        BadFile(
            "a listener without a port", "listeners: [{address: 0.0.0.0}]",
            "1:23: error: 'address' must be an address and port such as 0.0.0.0:8080, [::]:8080 "
                + "or unix:/path, found '0.0.0.0'"),
        BadFile(
            "a listener twice", "listeners: [{address: '[::]:80'}, {address: '[::]:80'}]",
            "1:45: error: '[::]:80' is listened on twice"),
        BadFile(
            "a duration without a known unit", "timeouts: {connect: 5d}",
            "1:21: error: 'connect' must be a duration such as 250ms, 5s, 2m, 1h or 30 (seconds), "
                + "found '5d'"),
        BadFile(
            "a duration of nothing", "timeouts: {connect: 0}",
            "1:21: error: 'connect' must be at least 1ms, found '0'"),
        BadFile(
            "a size that overflows", "limits: {requestBody: 9999999999999g}",
            "1:23: error: 'requestBody' must be a size in bytes such as 4096, 32k, 1m or 1g, "
                + "found '9999999999999g'"),
        BadFile(
            "a target larger than its head", "limits: {requestHead: 8k}\n\n",
            "1:23: error: 'limits.requestTarget' (16384 bytes) does not fit in "
                + "'limits.requestHead' (8192 bytes)"),
        BadFile(
            "a network that is none", "clientIP: {trusted: [10.0.0.0/33]}",
            "1:22: error: 'trusted' must be a network such as 10.0.0.0/8 or 2001:db8::/32, "
                + "found '10.0.0.0/33'"),
        BadFile(
            "a number of workers that is none", "workers: many",
            "1:10: error: 'workers' must be auto or a whole number from 1 to 1024, found 'many'"),
        BadFile(
            "a timeout of more than a day",
            "services: {a: {backends: [10.0.0.1:80], "
                + "sessionAffinityConfig: {clientIP: {timeoutSeconds: 86401}}}}",
            "1:92: error: 'timeoutSeconds' must be a whole number from 1 to 86400, found '86401'"),
        BadFile(
            "a bad annotation value",
            "routes: [{backends: [10.0.0.1:80], annotations: {affinity-mode: sticky}}]",
            "1:65: error: 'affinity-mode' must be one of balanced, persistent, found 'sticky'"),
        BadFile(
            "two short forms in one file", "routes: []\n---\nroutes: []",
            "3:1: error: a second document without 'kind': the short form fits once in a file"),
        BadFile(
            "a document that is no mapping", "- routes",
            "1:1: error: a document must be a mapping, found a list"),
        BadFile(
            "a syntax error", "routes:\n  - a: [1, 2",
            "3:1: error: not readable as YAML: while parsing a flow sequence: "
                + "did not find expected ',' or ']'"),
    ]

    @Test("all mistakes are reported at once, in the order of the file")
    func allAtOnce() {
        let route = "- {host: '?', path: x, pathType: y, service: z, annotations: {affinity: w}}"
        let result = load("wrokers: 2\ntimeouts: {connect: x}\nroutes:\n\(route)")
        #expect(result.diagnostics.map(\.line) == [1, 2, 4, 4, 4, 4, 4])
    }

    @Test("a bracket that is never closed is named where it opens")
    func openBracket() {
        let result = load("routes:\n  - a: [1\n\n\nb: c")
        #expect(result.diagnostics.map(\.help) == ["it begins at line 2"])
    }

    @Test("a diagnostic shows the line, a caret, and what was perhaps meant")
    func rendering() throws {
        let result = load("services:\n  shop:\n    backends: [10.0.0.1:80]\n    balanse: ewma")
        #expect(
            result.rendered == """
                routes.yaml:4:5: error: unknown key 'balanse' in a service
                 4 |     balanse: ewma
                   |     ^~~~~~~
                     did you mean 'balance'? allowed: nodePort, backends, balance, \
                sessionAffinity, sessionAffinityConfig, externalTrafficPolicy, \
                healthCheckNodePort, healthCheck, passiveHealth, queue, slowStart, tls, \
                ingressNginxName
                """)
    }
}
