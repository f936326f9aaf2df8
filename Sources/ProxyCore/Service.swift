package import StickyPolicy

/// A named group of backends, resolved: what a Kubernetes Service and its endpoints amount to.
package struct Service: Sendable, Equatable {
    /// `default/shop:80` from Kubernetes objects, the file's own name in the short form.
    package var name: String
    /// What its sessions belong to, for a service that is another one spoken to or called in
    /// another way.
    package var sessionScope: String?
    /// What they belonged to in 0.1.0, where a port called by its name was another service.
    package var formerScope: String?
    /// Empty when nothing can serve it: requests are answered 503.
    package var backends: [Backend]
    /// Those that are called by host names, in the order of the file.
    package var named: [NamedBackend] = []
    package var balance = BalanceKind.roundRobin
    /// `sessionAffinity: ClientIP`; a route's own affinity wins over it.
    package var clientIP: ClientIPSettings?
    /// `sessionAffinityConfig`, which a route with `affinity: client-ip` follows in any case.
    package var clientIPConfig = ClientIPSettings()
    package var queue = QueueRule()
    package var passiveHealth = PassiveHealth()
    /// `healthCheck`: of each backend.
    package var healthCheck: HealthCheck?
    /// `healthCheckNodePort`: of the node that each backend's address is.
    package var nodeCheck: HealthCheck?
    /// Nil: its backends are spoken to in the clear.
    package var tls: UpstreamTLS?
    /// `<namespace>-<service>-<port>`: its name in the cookies of ingress-nginx.
    package var ingressNginxName: String?
    /// For how long a backend that has become ready gets fewer new clients than its share.
    package var slowStart = Duration.zero

    /// Its backends are nodes, behind which something else chooses the pod.
    package var isBehindNodePorts = false

    package init(name: String, backends: [Backend]) {
        self.name = name
        self.backends = backends
    }

    /// Services of one scope share their sessions.
    package var scope: String { sessionScope ?? name }
}

/// Who waits when every backend that may serve a request is at its `maxConnections`.
package struct QueueRule: Sendable, Equatable {
    /// Requests that wait at one time; those beyond are answered 503 at once.
    package var length = 0
    package var timeout = Duration.seconds(5)

    package init() {}
}

extension Service {
    /// Its own backends, and between them those of its names. What has the name of an earlier one
    /// is left out: two host names may stand for one address.
    ///
    /// - Parameter addresses: of a host, in an order of their own; none for one that is not known.
    package func backends(resolving addresses: (String) -> [IPAddress]) -> [Backend] {
        var result: [Backend] = []
        var taken: Set<String> = []
        func add(_ backends: some Sequence<Backend>) {
            for backend in backends where taken.insert(backend.name).inserted {
                result.append(backend)
            }
        }
        var next = 0
        for named in named {
            let position = min(max(named.position, next), backends.count)
            add(backends[next..<position])
            next = position
            add(named.backends(at: addresses(named.host)))
        }
        add(backends[next...])
        return result
    }
}
