/// Chooses the backend of a client without a session. Told everything it may know; remembers only
/// its own counters.
public protocol Balancer: Sendable {
    /// The position of the chosen candidate: one that takes new clients and was not tried. Nil when
    /// there is none.
    mutating func pick(from candidates: Span<Candidate>, excluding tried: TriedBackends) -> Int?
}
