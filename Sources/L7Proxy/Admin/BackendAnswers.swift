import StickyPolicy
import Transport

/// Questions and orders about backends.
enum BackendAnswers {
    static func list(_ snapshot: ConfigSnapshot) -> AdminResponse {
        var text = JSONText()
        text.object { text in
            text.key("backends")
            text.array(BackendStatus.all(in: snapshot, at: .now())) { text, backend in
                text.object { write(backend, to: &$0) }
            }
        }
        return AdminResponse(.json, text.bytes)
    }

    private static func write(_ backend: BackendStatus, to text: inout JSONText) {
        text.member("service", backend.service)
        text.member("name", backend.name)
        text.member("address", backend.address)
        if let host = backend.host { text.member("host", host) }
        text.member("weight", backend.weight)
        text.member("state", "\(backend.state)")
        text.member("administrative", "\(backend.administrative)")
        text.member("configured", "\(backend.configured)")
        text.member("checked", "\(backend.checked)")
        text.member("ejected", backend.isEjected)
        text.member("requests", backend.open)
        text.member("tunnels", backend.tunnels)
        text.member("recentSessions", backend.recentSessions)
        text.member("checksPassed", backend.checks.passed)
        text.member("checksFailed", backend.checks.failed)
        text.key("latencyMicroseconds")
        if let latency = backend.latency {
            text.value(Int((latency * 1_000_000).rounded()))
        } else {
            text.null()
        }
    }

    /// Puts a backend into a state, in all services that have one of this name, or in that of the
    /// query parameter `service`.
    static func set(
        _ state: BackendState, of backend: String, _ request: AdminRequest, _ board: HealthBoard
    ) -> AdminResponse {
        let found = board.set(state, ofBackend: backend, inService: request.value("service"))
        guard !found.isEmpty else {
            return AdminResponse(
                status: 404,
                "no service has a backend of this name; GET /api/backends lists the names")
        }
        var text = JSONText()
        text.object { text in
            text.member("backend", backend)
            text.member("state", "\(state)")
            text.key("services")
            text.array(found) { $0.value($1) }
        }
        return AdminResponse(.json, text.bytes)
    }
}
