import ProxyConfig
import ProxyCore
import StickyPolicy
import Testing

/// An Ingress of one rule `/` for the service `shop`, port 80.
private func ingress(
    _ name: String = "shop", metadata: String = "", spec: String = "", port: String = "number: 80"
) -> String {
    """
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: \(name), \(metadata)}
    spec:
      \(spec)
      rules:
        - http:
            paths:
              - path: /
                pathType: Prefix
                backend: {service: {name: shop, port: {\(port)}}}
    ---

    """
}

/// The service `shop` with the named port `http`, 80.
private func service(_ spec: String = "", nodePort: String = "nodePort: 30080") -> String {
    """
    apiVersion: v1
    kind: Service
    metadata: {name: shop}
    spec: {type: NodePort, ports: [{name: http, port: 80, \(nodePort)}], \(spec)}
    ---

    """
}

private func node(_ address: String, ready: String = "True") -> String {
    """
    apiVersion: v1
    kind: Node
    metadata: {name: "n\(address)"}
    status:
      addresses: [{type: Hostname, address: n}, {type: InternalIP, address: \(address)}]
      conditions: [{type: MemoryPressure, status: "False"}, {type: Ready, status: "\(ready)"}]
    ---

    """
}

/// A slice of `shop` with the port `http`, 8080.
private func slice(_ name: String, _ endpoints: String) -> String {
    """
    apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata: {name: \(name), labels: {kubernetes.io/service-name: shop}}
    addressType: IPv4
    ports: [{name: other, port: 9}, {name: http, port: 8080}]
    endpoints: \(endpoints)
    ---

    """
}

@Suite struct KubernetesServicesTests {
    private func backends(_ text: String) throws -> [String] {
        try configuration(text).services[0].backends.map(\.name)
    }

    @Test("a NodePort is reached on the internal address of every ready node")
    func nodePort() throws {
        let nodes = node("10.0.0.1") + node("10.0.0.2", ready: "Unknown") + node("10.0.0.3")
        let found = try backends(ingress() + service() + nodes)
        #expect(found == ["10.0.0.1:30080", "10.0.0.3:30080"])
    }

    @Test("without Node objects a NodePort is reached on the nodes of the short form")
    func writtenNodes() throws {
        let found = try backends("nodes: [10.1.0.1]\n---\n" + ingress() + service())
        #expect(found == ["10.1.0.1:30080"])
    }

    @Test("a nodePort of the short form is reached on Node objects")
    func nodeObjectsForShortForm() throws {
        let found = try backends("services: {a: {nodePort: 30081}}\n---\n" + node("10.0.0.1"))
        #expect(found == ["10.0.0.1:30081"])
    }

    @Test("a port is found by its name")
    func namedPort() throws {
        let result = try configuration(
            ingress(port: "name: http") + service() + node("10.0.0.1"))
        #expect(result.services[0].name == "default/shop:http")
        #expect(result.services[0].backends.map(\.name) == ["10.0.0.1:30080"])
    }

    @Test("EndpointSlices come before NodePorts, and each endpoint counts once")
    func slices() throws {
        let text =
            ingress() + service() + node("10.0.0.1")
            + slice(
                "a", "[{addresses: [10.2.0.1], conditions: {ready: true}}, {addresses: [10.2.0.2]}]"
            )
            + slice(
                "b", "[{addresses: [10.2.0.1]}, {addresses: [10.2.0.3], conditions: {ready: null}}]"
            )
        #expect(try backends(text) == ["10.2.0.1:8080", "10.2.0.2:8080", "10.2.0.3:8080"])
    }

    @Test("an endpoint that ends but serves drains; one that is not ready is left out")
    func endpointStates() throws {
        let endpoints = """
            [{addresses: [10.2.0.1], conditions: {ready: false, serving: true, terminating: true}},
             {addresses: [10.2.0.2], conditions: {ready: false, serving: false, terminating: true}},
             {addresses: [10.2.0.3], conditions: {ready: false}},
             {addresses: [10.2.0.4], conditions: {ready: true}}]
            """
        let text = ingress() + service() + slice("a", endpoints)
        let found = try configuration(text).services[0].backends
        #expect(found.map(\.name) == ["10.2.0.1:8080", "10.2.0.4:8080"])
        #expect(found.map(\.state) == [.drain, .ready])
    }

    @Test("where every endpoint that serves is ending, they take new clients too")
    func allEnding() throws {
        let endpoints = """
            [{addresses: [10.2.0.1], conditions: {ready: false, serving: true, terminating: true}},
             {addresses: [10.2.0.2], conditions: {ready: false, serving: false, terminating: true}}]
            """
        let ending = slice("a", endpoints)
        let found = try configuration(ingress() + service() + ending).services[0].backends
        #expect(found.map(\.name) == ["10.2.0.1:8080"] && found.map(\.state) == [.ready])
        // One that is ready in another slice has them drain.
        let both = ingress() + service() + ending + slice("b", "[{addresses: [10.2.0.9]}]")
        #expect(try configuration(both).services[0].backends.map(\.state) == [.drain, .ready])
    }

    @Test("a port by its name and by its number is one service to sessions")
    func sessionScope() throws {
        let text =
            ingress("a") + ingress("b", port: "name: http") + service()
            + slice("a", "[{addresses: [10.2.0.1]}]")
        let services = try configuration(text).services
        #expect(services.map(\.name) == ["default/shop:80", "default/shop:http"])
        #expect(services.map(\.scope) == ["default/shop:80", "default/shop:80"])
        // What the name made of it before: cookies of that time stay good.
        #expect(services.map(\.formerScope) == [nil, "default/shop:http"])
        #expect(services.map(\.ingressNginxName) == ["default-shop-80", "default-shop-http"])
    }

    @Test("sessionAffinity ClientIP of a Service binds its routes, and a bad timeout its default")
    func sessionAffinity() throws {
        let config = "sessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}"
        let result = load(
            ingress() + service("sessionAffinity: ClientIP, \(config)") + node("10.0.0.1"))
        let loaded = try #require(result.configuration)
        #expect(loaded.services[0].clientIP == ClientIPSettings())
        #expect(loaded.routes[0].affinity.kind == .clientIP(ClientIPSettings()))
        let message = "'timeoutSeconds' must be a whole number from 1 to 86400, found '0'"
        let warnings = result.diagnostics.filter { $0.severity == .warning }
        #expect(warnings.map(\.message) == ["Service default/shop: " + message])
    }

    @Test(
        "a service that cannot be resolved answers 503, with a warning that says why",
        arguments: [
            ("", "there is no Service default/shop"),
            (
                service(nodePort: "x: 1"),
                "Service default/shop has no backends, since it is of type 'NodePort' and there "
                    + "are no EndpointSlices of it"
            ),
            (
                service(),
                "Service default/shop has no backends, since there is no ready Node to reach its "
                    + "nodePort"
            ),
            (
                service() + slice("a", "[]"),
                "Service default/shop has no backends, since its EndpointSlices have no ready "
                    + "endpoint"
            ),
        ])
    func unresolved(objects: String, reason: String) throws {
        let text = ingress() + objects
        let loaded = try configuration(text)
        #expect(loaded.routes.count == 1 && loaded.services[0].backends.isEmpty)
        let message = "Ingress default/shop: \(reason): requests are answered 503"
        #expect(load(text).diagnostics.map(\.message) == [message])
        #expect(load(text, strict: true).configuration == nil)
    }

    @Test("a port that the Service does not have answers 503")
    func missingPort() throws {
        let result = load(ingress(port: "number: 81") + service() + node("10.0.0.1"))
        #expect(try #require(result.configuration).services[0].backends.isEmpty)
        #expect(
            result.summary == [
                "11:32: warning: Ingress default/shop: Service default/shop has no port '81': "
                    + "requests are answered 503"
            ])
    }
}

@Suite struct KubernetesIngressesTests {
    private let backing = service() + node("10.0.0.1")

    @Test(
        "an Ingress is taken by its class",
        arguments: [
            ("", "", true), ("ingressClassName: nginx", "", true),
            ("ingressClassName: l7proxy", "", true), ("ingressClassName: traefik", "", false),
            ("ingressClassName: ours", "", true), ("ingressClassName: mine", "", true),
            ("", "annotations: {kubernetes.io/ingress.class: nginx}", true),
            ("", "annotations: {kubernetes.io/ingress.class: gce}", false),
            ("ingressClassName: nginx", "annotations: {kubernetes.io/ingress.class: gce}", true),
        ])
    func classes(spec: String, metadata: String, isTaken: Bool) throws {
        let ours = """
            apiVersion: networking.k8s.io/v1
            kind: IngressClass
            metadata: {name: ours}
            spec: {controller: k8s.io/ingress-nginx}
            ---

            """
        let text = ours + ingress(metadata: metadata, spec: spec) + backing
        let file = SourceFile(name: "routes.yaml", text: text)
        let options = LoaderOptions(ingressClasses: ["mine"])
        let result = ConfigurationLoader.load([file], options: options)
        #expect(try #require(result.configuration).routes.count == (isTaken ? 1 : 0))
    }

    @Test("of two equal rules the oldest Ingress counts, then the first by name")
    func duplicates() throws {
        let text =
            ingress("c") + ingress("b")
            + ingress("young", metadata: "creationTimestamp: 2024-01-01T00:00:00Z")
            + ingress("old", metadata: "creationTimestamp: \"2020-01-01T00:00:00Z\"") + backing
        let result = load(text)
        let routes = try #require(result.configuration).routes
        #expect(routes.map(\.origin.text) == ["Ingress default/old"])
        let message = ": */ is already routed at routes.yaml:45, which is older and counts"
        #expect(
            result.summary == [
                "9:13: warning: Ingress default/c" + message,
                "21:13: warning: Ingress default/b" + message,
                "33:13: warning: Ingress default/young" + message,
            ])
    }

    @Test("a canary is no rule of its own and no duplicate, also when it is older")
    func canary() throws {
        let canary = ingress(
            "canary",
            metadata: "annotations: {nginx.ingress.kubernetes.io/canary: \"true\", "
                + "nginx.ingress.kubernetes.io/canary-weight: \"30\"}")
        let result = load(canary + ingress() + backing)
        let routes = try #require(result.configuration).routes
        #expect(routes.count == 1 && result.summary == [])
        #expect(routes[0].canary?.settings.weight == 30)
    }

    @Test("a canary without a primary is left out, and said to be")
    func lonelyCanary() throws {
        let canary = ingress(
            "canary", metadata: "annotations: {nginx.ingress.kubernetes.io/canary: \"true\"}")
        let result = load(canary + backing)
        #expect(try #require(result.configuration).routes.isEmpty)
        #expect(result.summary.contains { $0.contains("a canary without a route") })
    }

    @Test("rules have hosts, wildcards, path types and a default backend")
    func rules() throws {
        let text = """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: shop, namespace: web}
            spec:
              defaultBackend: {service: &s {name: shop, port: {number: 80}}}
              rules:
                - host: Shop.example.com
                  http:
                    paths:
                      - {path: /a, pathType: Exact, backend: &b {service: *s}}
                - host: "*.example.com"
                  http: {paths: [{pathType: ImplementationSpecific, backend: *b}]}
                - http: {paths: [{path: "", pathType: Prefix, backend: *b}]}
            """
        let loaded = try configuration(text)
        #expect(loaded.services.map(\.name) == ["web/shop:80"])
        #expect(loaded.defaultService == 0)
        #expect(
            loaded.routes.map(\.host) == [
                .exact("shop.example.com"), .wildcard(suffix: "example.com"), .any,
            ])
        #expect(loaded.routes.map(\.path) == ["/a", "/", "/"])
        #expect(loaded.routes.map(\.pathType) == [.exact, .implementationSpecific, .prefix])
        #expect(loaded.routes[0].origin.text == "Ingress web/shop")
    }

    @Test("the default service of the short form stays before a default backend")
    func defaultBackends() throws {
        let short = "services: {a: {backends: [10.0.0.1:80]}}\ndefaultService: a\n---\n"
        let backend = "defaultBackend: {service: {name: shop, port: {number: 80}}}"
        let result = load(short + ingress(spec: backend) + backing)
        let loaded = try #require(result.configuration)
        #expect(loaded.defaultService == 0 && loaded.services[0].name == "a")
        #expect(
            result.summary == [
                "8:19: warning: Ingress default/shop: there is a default backend already, "
                    + "this one is left out"
            ])
    }

    @Test("a default backend that is to ask for certificates, which it cannot, is told of")
    func defaultBackendWithCertificates() throws {
        let text = """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: shop, annotations: {nginx.ingress.kubernetes.io/auth-tls-secret: a/b}}
            spec: {defaultBackend: {service: {name: shop, port: {number: 80}}}}
            ---

            """
        let told = load(text + backing).summary.contains {
            $0.contains("auth-tls-secret has no effect on a default backend")
        }
        #expect(told)
    }

    @Test("a mistake costs its rule, and the others are served")
    func confined() throws {
        let text = """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: shop}
            spec:
              tls: [{hosts: [a.example.com]}]
              rules:
                - host: "bad host"
                  http: {paths: [{path: /, backend: {service: {name: shop, port: {number: 80}}}}]}
                - host: a.example.com
                  http:
                    paths:
                      - {path: nothing, backend: &b {service: {name: shop, port: {number: 80}}}}
                      - {path: /b, backend: {resource: {kind: Bucket}}}
                      - {path: /c}
                      - {path: /d, pathType: Perfect, backend: *b}
            ---

            """
        let result = load(text + backing)
        #expect(try #require(result.configuration).routes.map(\.path) == ["/d"])
        #expect(result.diagnostics.map(\.line) == [5, 7, 12, 13, 14, 15])
        #expect(result.diagnostics.allSatisfy { $0.severity == .warning })
        #expect(result.diagnostics.allSatisfy { $0.message.hasPrefix("Ingress default/shop: ") })
    }

    @Test("the items of a List are objects")
    func list() throws {
        let item = """
            {kind: Ingress, apiVersion: networking.k8s.io/v1, metadata: {name: i}, spec: {rules: \
            [{http: {paths: [{backend: {service: {name: s, port: {number: 80}}}}]}}]}}
            """
        let result = load("{apiVersion: v1, kind: List, items: [\(item)]}")
        #expect(
            try #require(result.configuration).routes.map(\.origin.text) == ["Ingress default/i"])
    }

    @Test("unknown kinds are named once, and skipped")
    func unknownKinds() throws {
        let deployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}\n---\n"
        let knative = "{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: a}}"
        let result = load(deployment + deployment + knative)
        #expect(result.configuration != nil)
        #expect(
            result.diagnostics.map(\.message).sorted() == [
                "objects of kind 'Deployment' of 'apps/v1' are skipped",
                "objects of kind 'Service' of 'serving.knative.dev/v1' are skipped",
                "there are no routes: every request is answered 404",
            ])
    }

    @Test("strict makes warnings errors, but not advice")
    func strict() {
        let advised =
            "routes: [{backends: [10.0.0.1:80, 10.0.0.2:80], annotations: {affinity: cookie}}]"
        #expect(load(advised, strict: true).configuration != nil)
        #expect(load(advised, strict: true).diagnostics.map(\.isAdvice) == [true])
        let warned = "routes: [{backends: [10.0.0.1:80], annotations: {enable-cors: true}}]"
        #expect(load(warned).configuration != nil)
        #expect(load(warned, strict: true).configuration == nil)
    }
}
