import ProxyCore
import StickyPolicy
import Transport

/// How the backends are, as metrics.
struct BackendMetrics {
    private let backends: [BackendStatus]
    private let services: [ServiceHealth]

    init(_ snapshot: ConfigSnapshot) {
        services = snapshot.health
        backends = BackendStatus.all(in: snapshot, at: .now())
    }

    func add(to text: inout MetricsText) {
        addStates(
            "l7proxy_backend_state", "The state that a backend is used in: 1 for that one.",
            \.state, to: &text)
        addStates(
            "l7proxy_backend_administrative_state",
            "The state that the operator wants a backend in: 1 for that one.",
            \.administrative, to: &text)
        addGauge("l7proxy_backend_ejected", "1: failing requests took it out.", to: &text) {
            $0.isEjected ? 1 : 0
        }
        addGauge(
            "l7proxy_backend_requests", "Requests under way, tunnels included.", to: &text
        ) { UInt64($0.open) }
        addGauge("l7proxy_backend_tunnels", "Open tunnels.", to: &text) { UInt64($0.tunnels) }
        addGauge(
            "l7proxy_backend_recent_sessions",
            "Different sessions seen within five minutes, within a tenth.", to: &text
        ) { UInt64($0.recentSessions) }
        text.begin(
            "l7proxy_backend_latency_seconds", .gauge,
            "Time to the head of an answer, a peak that decays; absent before the first.")
        for backend in backends {
            guard let latency = backend.latency else { continue }
            text.add(latency, ("service", backend.service), ("backend", backend.name))
        }
        text.begin(
            "l7proxy_service_panic", .gauge,
            "1: too few backends are healthy, and others are used as well.")
        for service in services {
            let isDoubted = service.states.doubt != .nothing
            text.add(isDoubted ? 1 : 0 as UInt64, ("service", service.name))
        }
        text.begin("l7proxy_backend_checks_total", .counter, "Health checks, by result.")
        for backend in backends {
            for (result, count) in [
                ("passed", backend.checks.passed), ("failed", backend.checks.failed),
            ] {
                text.add(
                    count, ("service", backend.service), ("backend", backend.name),
                    ("result", result))
            }
        }
    }

    private func addStates(
        _ family: StaticString, _ help: StaticString, _ state: (BackendStatus) -> BackendState,
        to text: inout MetricsText
    ) {
        text.begin(family, .gauge, help)
        for backend in backends {
            for possible in [BackendState.ready, .drain, .down] {
                let isInIt: UInt64 = state(backend) == possible ? 1 : 0
                text.add(
                    isInIt, ("service", backend.service), ("backend", backend.name),
                    ("state", "\(possible)"))
            }
        }
    }

    private func addGauge(
        _ family: StaticString, _ help: StaticString, to text: inout MetricsText,
        _ value: (BackendStatus) -> UInt64
    ) {
        text.begin(family, .gauge, help)
        for backend in backends {
            text.add(value(backend), ("service", backend.service), ("backend", backend.name))
        }
    }
}
