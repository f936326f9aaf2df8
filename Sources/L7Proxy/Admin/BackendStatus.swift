import ProxyConfig
import ProxyCore
import StickyPolicy
import Transport

/// One backend of one service as it is now.
struct BackendStatus: Sendable {
    let service: String
    let name: String
    let address: String
    /// The name that the address was found by.
    let host: String?
    let weight: UInt32
    /// The state that it is used in.
    let state: BackendState
    /// The state that the operator wants.
    let administrative: BackendState
    /// What the file says, from which an operator's word may differ.
    let configured: BackendState
    /// The worse of what its checks found last.
    let checked: BackendState
    /// Failing requests have taken it out.
    let isEjected: Bool
    let checks: (passed: UInt64, failed: UInt64)
    /// Requests under way, tunnels included.
    let open: Int
    let tunnels: Int
    /// Different sessions within five minutes, estimated; by cookie, field or address alike.
    let recentSessions: Int
    /// Seconds to the head of an answer, lately; nil before the first.
    let latency: Double?

    /// All backends of a configuration, in its order.
    static func all(in snapshot: ConfigSnapshot, at now: MonotonicTime) -> [BackendStatus] {
        snapshot.configuration.services.indices.flatMap { service in
            let states = snapshot.health[service].states.states
            return states.indices.map { backend in
                BackendStatus(snapshot, service, backend, states[backend], now)
            }
        }
    }

    private init(
        _ snapshot: ConfigSnapshot, _ service: Int, _ position: Int, _ state: BackendState,
        _ now: MonotonicTime
    ) {
        let backend = snapshot.configuration.services[service].backends[position]
        let health = snapshot.health[service]
        let cell = health.cells[position]
        let load = snapshot.services[service].backends[position].load
        self.service = health.name
        name = backend.name
        address = backend.endpoint.description
        host = backend.host
        weight = backend.weight
        self.state = state
        administrative = health.administrative[position].current
        configured = health.administrative[position].configured
        checked = cell.health.checked
        isEjected = cell.health.isEjected
        checks = cell.checks
        open = max(0, load.open)
        tunnels = max(0, load.openTunnels)
        recentSessions = load.recentSessions(
            at: UInt32(truncatingIfNeeded: now.seconds))
        latency = load.latency(at: UInt32(truncatingIfNeeded: now.milliseconds))
            .map { Double($0) / 1_000_000 }
    }
}
