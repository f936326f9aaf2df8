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

    fileprivate init(
        _ backend: Backend, _ cell: HealthCell, _ checker: BackendHealth.Checker,
        _ check: HealthCheck
    ) {
        self.cell = cell
        self.checker = checker
        self.check = check
        let endpoint = backend.endpoint
        let port = check.port ?? endpoint.port
        address = SocketAddress(
            high: endpoint.address.high, low: endpoint.address.low, port: port)
        host = check.host ?? Endpoint(address: endpoint.address, port: port).description
    }

    /// The same in two configurations exactly when the target is.
    struct Identity: Hashable {
        let cell: ObjectIdentifier
        let checker: BackendHealth.Checker
    }

    var identity: Identity { Identity(cell: ObjectIdentifier(cell), checker: checker) }

    /// What is to be checked in a configuration.
    ///
    /// - Parameter health: of the same services.
    static func all(in services: [Service], _ health: [ServiceHealth]) -> [HealthTarget] {
        var targets: [HealthTarget] = []
        for (service, known) in zip(services, health) {
            let checks: [(BackendHealth.Checker, HealthCheck?)] = [
                (.application, service.healthCheck), (.node, service.nodeCheck),
            ]
            for (checker, check) in checks {
                guard let check else { continue }
                targets += zip(service.backends, known.cells).map {
                    HealthTarget($0, $1, checker, check)
                }
            }
        }
        return targets
    }
}
