import Logging
import Synchronization
import Transport

/// What the server and one worker share: orders in, counts out. The only thing of a worker that
/// crosses threads.
final class WorkerShare: Sendable {
    let orders = OrderBox()
    let log: Logger
    private let connections: ConnectionCount
    private let ended = Atomic<Bool>(false)

    init(connections: ConnectionCount, log: Logger) {
        self.connections = connections
        self.log = log
    }

    /// Counts a new client connection in, unless the process has as many as it may.
    ///
    /// - Parameter limit: 0 for no bound.
    func admit(limit: Int) -> Bool {
        let count = connections.value.wrappingAdd(1, ordering: .relaxed).newValue
        guard limit == 0 || count <= limit else {
            leave()
            return false
        }
        return true
    }

    /// The worker's thread is about to return.
    func end() {
        ended.store(true, ordering: .releasing)
    }

    var hasEnded: Bool { ended.load(ordering: .acquiring) }

    func leave() {
        connections.value.wrappingSubtract(1, ordering: .relaxed)
    }
}

/// Client connections of all workers.
final class ConnectionCount: Sendable {
    let value = Atomic<Int>(0)
}

/// Orders on their way to a worker.
final class OrderBox: Sendable {
    enum Order: Sendable {
        case adopt(ConfigSnapshot)
        /// End what is idle now, and the rest within this time.
        case drain(within: Duration)
        case stop
    }

    private struct Contents {
        var orders: [Order] = []
        var wakeup: Wakeup?
    }

    private let contents = Mutex(Contents())

    /// Orders from before this call are delivered by it.
    func attach(_ wakeup: Wakeup) {
        let isWaiting = contents.withLock { contents in
            contents.wakeup = wakeup
            return !contents.orders.isEmpty
        }
        if isWaiting { wakeup.wake() }
    }

    func put(_ order: Order) {
        let wakeup = contents.withLock { contents in
            contents.orders.append(order)
            return contents.wakeup
        }
        wakeup?.wake()
    }

    func take() -> [Order] {
        contents.withLock { contents in
            defer { contents.orders = [] }
            return contents.orders
        }
    }
}
