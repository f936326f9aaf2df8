package import StickyPolicy

/// A named group of backends, resolved: what a Kubernetes Service and its endpoints amount to.
package struct Service: Sendable, Equatable {
    /// `default/shop:80` from Kubernetes objects, the file's own name in the short form.
    package var name: String
    /// What its sessions belong to, for a service that is another one spoken to in another way.
    package var sessionScope: String?
    /// Empty when nothing can serve it: requests are answered 503.
    package var backends: [Backend]
    package var balance = BalanceKind.roundRobin
    /// `sessionAffinity: ClientIP`; a route's own affinity wins over it.
    package var clientIP: ClientIPSettings?
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
}

/// Who waits when every backend that may serve a request is at its `maxConnections`.
package struct QueueRule: Sendable, Equatable {
    /// Requests that wait at one time; those beyond are answered 503 at once.
    package var length = 0
    package var timeout = Duration.seconds(5)

    package init() {}
}

/// One address of a service.
package struct Backend: Sendable, Equatable {
    package var endpoint: Endpoint
    /// What its cookies and logs call it; the address as text unless the file names it. Stable
    /// across restarts and independent of the order in the file.
    package var name: String
    /// Share of new clients; 0 takes none.
    package var weight: UInt32 = 1
    package var state = BackendState.ready
    /// Connections in use at one time, tunnels included; 0 for no bound.
    package var maxConnections = 0
    /// How long its sessions stay while it drains; zero for as long as they like.
    package var drainDeadline = Duration.zero

    package init(endpoint: Endpoint, name: String) {
        self.endpoint = endpoint
        self.name = name
    }
}
