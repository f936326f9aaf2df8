import Synchronization

/// What one worker has counted of its connections to one address of a backend. Written by the
/// worker's thread alone, read by any; no other thread's data lies in a cache line of it.
final class PoolCounters: Sendable {
    enum Event: Int, Sendable {
        /// A new connection was begun.
        case opened
        /// A kept connection carried another request.
        case reused
    }

    /// Of the backend, as text.
    let address: String
    private let values = InlineArray<24, Atomic<UInt64>> { _ in Atomic(0) }
    private static let idlePlace = 10

    init(address: String) {
        self.address = address
    }

    /// From the worker's own thread only.
    func note(_ event: Event) {
        let place = 8 + event.rawValue
        values[place].store(values[place].load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }

    /// Connections that wait for a request now.
    func noteIdle(_ count: Int) {
        values[PoolCounters.idlePlace].store(UInt64(count), ordering: .relaxed)
    }

    func count(of event: Event) -> UInt64 {
        values[8 + event.rawValue].load(ordering: .relaxed)
    }

    var idle: UInt64 { values[PoolCounters.idlePlace].load(ordering: .relaxed) }
}
