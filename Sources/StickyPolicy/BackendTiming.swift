/// What changes at backends by time alone: a slow start makes them warm, and a deadline ends their
/// draining. Looked at once a second, and not at all where no backend has either.
struct BackendTiming: Sendable {
    private let slowStartSeconds: UInt32
    /// Seconds for each backend; 0 for none.
    private let deadlines: [UInt32]
    private let isTimed: Bool
    private var lastUpdate: UInt32?

    init(_ service: ServiceProfile) {
        slowStartSeconds = service.slowStartSeconds
        deadlines = service.backends.map(\.drainDeadlineSeconds)
        isTimed = slowStartSeconds > 0 || deadlines.contains { $0 > 0 }
    }

    /// A state has changed.
    mutating func restart() {
        lastUpdate = nil
    }

    func isDue(at monotonicSeconds: UInt32) -> Bool {
        isTimed && lastUpdate != monotonicSeconds
    }

    mutating func update(
        _ candidates: inout [Candidate], _ loads: [BackendLoad], at monotonicSeconds: UInt32
    ) {
        lastUpdate = monotonicSeconds
        for position in candidates.indices {
            let state = candidates[position].state
            let since = loads[position].since(state, at: monotonicSeconds)
            let age = since.map { monotonicSeconds &- $0 } ?? .max
            candidates[position].warmWeight = warmWeight(candidates[position], age: age)
            candidates[position].drain = phase(state, age: age, deadline: deadlines[position])
        }
    }

    /// From a tenth of its weight to all of it, evenly.
    private func warmWeight(_ candidate: Candidate, age: UInt32) -> UInt32 {
        let full = min(candidate.weight, 1 << 20) * 256
        guard candidate.state == .ready, age < slowStartSeconds else { return full }
        let start = UInt64(full) / 10
        let gained = (UInt64(full) - start) * UInt64(age) / UInt64(slowStartSeconds)
        return UInt32(truncatingIfNeeded: start + gained)
    }

    /// What must not be repeated has as long again: it would be the request that loses its session.
    private func phase(
        _ state: BackendState, age: UInt32, deadline: UInt32
    ) -> Candidate.DrainPhase {
        guard state == .drain, deadline > 0, age != .max, age >= deadline else { return .inTime }
        return age / 2 >= deadline ? .longOver : .over
    }
}
