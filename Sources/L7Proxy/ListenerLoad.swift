import ProxyConfig
import Synchronization

/// The client connections of one listener, over all workers, and how many it may have. It outlives
/// reloads.
final class ListenerLoad: Sendable {
    /// As the routes file has it.
    let name: String
    private let count = Atomic<Int>(0)
    private let limit = Atomic<Int>(0)

    init(name: String) {
        self.name = name
    }

    var connectionCount: Int { count.load(ordering: .relaxed) }

    /// The listener's `limits.connections`; 0 for no bound.
    var connectionsMax: Int { limit.load(ordering: .relaxed) }

    var isFull: Bool {
        let most = connectionsMax
        return most > 0 && connectionCount >= most
    }

    func setLimit(_ new: Int) {
        limit.store(new, ordering: .relaxed)
    }

    func enter() {
        count.wrappingAdd(1, ordering: .relaxed)
    }

    func leave() {
        count.wrappingSubtract(1, ordering: .relaxed)
    }
}
