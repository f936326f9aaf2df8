import Logging
import Synchronization
import Transport

/// What the server and one worker share: orders in, counts out. The only thing of a worker that
/// crosses threads.
final class WorkerShare: Sendable {
    let orders = OrderBox()
    let log: Logger
    let admission: Admission
    let counters = WorkerCounters()
    let logFeed: LogFeed
    /// For tests: called on the worker's thread.
    let onExchangeEnd: (@Sendable (ExchangeRecord) -> Void)?
    private let ended = Atomic<Bool>(false)

    init(
        admission: Admission, log: Logger, logFeed: LogFeed,
        onExchangeEnd: (@Sendable (ExchangeRecord) -> Void)? = nil
    ) {
        self.admission = admission
        self.logFeed = logFeed
        self.onExchangeEnd = onExchangeEnd
        self.log = log
    }

    /// The worker's thread is about to return.
    func end() {
        ended.store(true, ordering: .releasing)
    }

    var hasEnded: Bool { ended.load(ordering: .acquiring) }
}

/// Orders on their way to a worker.
final class OrderBox: Sendable {
    enum Order: Sendable {
        case adopt(ConfigSnapshot, ReloadTally)
        /// A backend's state has changed, which may concern its tunnels.
        case lookAtTunnels
        /// End what is idle now, and the rest within this time.
        case drain(within: Duration)
        /// Clients wait, and this worker's have places.
        case makeRoom(PlacesWanted)
        /// Give away copies of the listening sockets.
        case showListeners(to: ListenerCopies)
        /// Another process has the listeners: take nothing new, and let the rest take its time.
        case handOver
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

/// Copies of the listening sockets of all workers.
final class ListenerCopies: Sendable {
    private struct Contents {
        var sockets: [InheritedSocket] = []
        var workersLeft: Int
    }

    private let contents: Mutex<Contents>

    init(from workerCount: Int) {
        contents = Mutex(Contents(workersLeft: workerCount))
    }

    /// To be called once by each worker.
    func add(_ sockets: [InheritedSocket]) {
        contents.withLock { contents in
            contents.sockets += sockets
            contents.workersLeft -= 1
        }
    }

    /// Nil until all workers have given theirs. What it answers is the caller's to close.
    func take() -> [InheritedSocket]? {
        contents.withLock { contents in
            guard contents.workersLeft == 0 else { return nil }
            defer { contents.sockets = [] }
            return contents.sockets
        }
    }
}

/// What became of the tunnels of all workers at one reload.
final class ReloadTally: Sendable {
    struct Counts {
        var workersLeft: Int
        var kept = 0
        var closed = 0
    }

    private let counts: Mutex<Counts>

    init(from workerCount: Int) {
        counts = Mutex(Counts(workersLeft: workerCount))
    }

    /// To be called once by each worker.
    ///
    /// - Returns: the sums, for the last one.
    func add(kept: Int, closed: Int) -> Counts? {
        counts.withLock { counts in
            counts.kept += kept
            counts.closed += closed
            counts.workersLeft -= 1
            return counts.workersLeft == 0 ? counts : nil
        }
    }
}
