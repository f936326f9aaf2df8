import ProxyConfig
import ProxyCore
import StickyPolicy
import Transport

/// One backend to be checked in one way.
struct HealthTarget: Sendable {
    let cell: HealthCell
    let checker: BackendHealth.Checker
    let check: HealthCheck
    let address: SocketAddress
    let host: String
    /// One that is to be down is not asked.
    let administrative: AdministrativeState
    /// Where checks come from: a backend may let nobody else in. Nil: wherever the kernel says.
    let source: SocketAddress?
    /// For a question over HTTPS.
    private(set) var tls: TLSClientContext?

    fileprivate init(
        _ backend: Backend, _ place: (cell: HealthCell, administrative: AdministrativeState),
        _ kind: (checker: BackendHealth.Checker, check: HealthCheck), from source: IPAddress?
    ) {
        let (checker, check) = kind
        cell = place.cell
        administrative = place.administrative
        self.source = source.map { SocketAddress(high: $0.high, low: $0.low, port: 0) }
        self.checker = checker
        self.check = check
        let endpoint = backend.endpoint
        let port = check.port ?? endpoint.port
        address = SocketAddress(
            high: endpoint.address.high, low: endpoint.address.low, port: port)
        let own = Endpoint(address: endpoint.address, port: port).description
        host = check.host ?? backend.host.map { port == 80 ? $0 : "\($0):\(port)" } ?? own
    }

    /// The same in two configurations exactly when the target is.
    struct Identity: Hashable {
        let cell: ObjectIdentifier
        let checker: BackendHealth.Checker
    }

    var identity: Identity { Identity(cell: ObjectIdentifier(cell), checker: checker) }

    /// What is to be checked in a configuration.
    ///
    static func all(in snapshot: ConfigSnapshot) -> [HealthTarget] {
        var targets: [HealthTarget] = []
        for (position, service) in snapshot.configuration.services.enumerated() {
            let known = snapshot.health[position]
            let checks: [(BackendHealth.Checker, HealthCheck?)] = [
                (.application, service.healthCheck), (.node, service.nodeCheck),
            ]
            for (checker, check) in checks {
                guard let check else { continue }
                let places = zip(known.cells, known.administrative)
                targets += zip(service.backends, places).map { backend, place in
                    var target = HealthTarget(
                        backend, place, (checker, check),
                        from: snapshot.configuration.sourceAddresses.first)
                    // A node answers in the clear, and a connection is one without a handshake.
                    if case .http = check.question {
                        target.tls = snapshot.backendTLS(backend, ofService: position)
                    }
                    return target
                }
            }
        }
        return targets
    }
}
