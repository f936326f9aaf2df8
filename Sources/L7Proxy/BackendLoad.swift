import Synchronization

/// A count of all workers that has a bound: the requests that a backend carries, or that wait for
/// the backends of a service. Touched only where the routes file sets a bound.
final class BoundedCount: Sendable {
    private let value = Atomic<Int>(0)

    /// Counts one more, unless there are `limit` already.
    func enter(limit: Int) -> Bool {
        guard value.wrappingAdd(1, ordering: .relaxed).newValue <= limit else {
            leave()
            return false
        }
        return true
    }

    var current: Int { value.load(ordering: .relaxed) }

    func leave() {
        value.wrappingSubtract(1, ordering: .relaxed)
    }
}

/// A place at a backend that carries no more than so many requests.
struct BackendPlace {
    let load: BoundedCount
    let limit: Int
}
