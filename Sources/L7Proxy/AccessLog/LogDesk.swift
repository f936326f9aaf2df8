import Synchronization
import Transport

/// What the writer of the access log shares with those who give it lines and orders.
final class LogDesk: Sendable {
    struct Orders: Sendable {
        /// Where lines go; nil: nowhere.
        var path: String?
        /// The file was renamed: one of its name is to be made.
        var reopens = false
        /// Another process writes there too, and it is the one that is told of renaming: the file
        /// is whatever has its name.
        var follows = false
        /// Write what there is, and end.
        var stops = false
    }

    private struct State {
        var orders = Orders()
        var areNew = false
        var feeds: [LogFeed] = []
    }

    let bell: LogBell
    private let state = Mutex(State())
    /// Lines that the writer gave up, beside those that the feeds had no room for.
    private let lost = Atomic<Int>(0)
    private let hasEnded = Atomic<Bool>(false)

    init() throws(SystemError) {
        bell = try LogBell()
    }

    func makeFeed() -> LogFeed {
        let feed = LogFeed(bell: bell)
        state.withLock { $0.feeds.append(feed) }
        return feed
    }

    var feeds: [LogFeed] { state.withLock { $0.feeds } }

    func order(_ change: (inout Orders) -> Void) {
        state.withLock { state in
            change(&state.orders)
            state.areNew = true
        }
        bell.ring()
    }

    /// The orders, if there are new ones.
    func takeOrders() -> Orders? {
        state.withLock { state in
            guard state.areNew else { return nil }
            defer {
                state.areNew = false
                state.orders.reopens = false
            }
            return state.orders
        }
    }

    var writerHasEnded: Bool { hasEnded.load(ordering: .acquiring) }

    func writerEnds() {
        hasEnded.store(true, ordering: .releasing)
    }

    func lose(_ count: Int) {
        lost.wrappingAdd(count, ordering: .relaxed)
    }

    /// Lines that were not written, and never will be.
    var droppedCount: Int {
        feeds.reduce(lost.load(ordering: .relaxed)) { $0 + $1.droppedCount }
    }
}
