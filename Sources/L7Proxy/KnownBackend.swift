import StickyPolicy

/// What a process knows of a backend and tells the one that takes its place: what operators have
/// said of it, and its health.
struct KnownBackend: Equatable, Sendable {
    let service: String
    let name: String
    /// `ip:port`: the health of another address is another's.
    let address: String
    /// What the file says.
    let configured: BackendState
    /// What the operator wants.
    let wanted: BackendState
    /// As in `BackendHealth`; its times are of the clock that both processes have.
    let health: UInt64

    /// There is something to tell.
    var isOfInterest: Bool { configured != wanted || health != 0 }
}
