import StickyPolicy
import Transport

/// What is known of one host name.
struct HostAnswer {
    /// More are left out: each is a backend, with pools and checks.
    static let addressCountMax = 64
    /// Behind a first failure; it doubles up to the interval.
    private static let firstPause = Duration.seconds(1)

    /// Of the last answer that was good, in an order of their own; nil before the first.
    private(set) var addresses: [IPAddress]?
    /// Why the last look-up failed; nil where it did not.
    private(set) var failure: String?
    private var failureCount = 0
    /// It was looked up, with whatever outcome.
    private(set) var wasTried = false
    var isUnderWay = false
    private(set) var due: MonotonicTime

    init(due: MonotonicTime) {
        self.due = due
    }

    /// What an answer has changed.
    enum Change: Equatable {
        case nothing
        case addresses
        case failed(reason: String)
        /// It could not be looked up, and can be again, with the same addresses.
        case recovered
    }

    /// - Parameter interval: between two look-ups.
    mutating func take(
        _ result: Result<[IPAddress], HostLookup.Failure>, at now: MonotonicTime,
        every interval: Duration
    ) -> Change {
        isUnderWay = false
        wasTried = true
        switch result {
        case .success(let found) where !found.isEmpty:
            due = now + interval
            return take(found)
        case .success: return fail("it has no addresses", at: now, interval)
        case .failure(let failure): return fail(failure.description, at: now, interval)
        }
    }

    private mutating func take(_ found: [IPAddress]) -> Change {
        let sorted = Set(found).sorted { ($0.high, $0.low) < ($1.high, $1.low) }
        let kept = Array(sorted.prefix(HostAnswer.addressCountMax))
        let hadFailed = failure != nil
        (failure, failureCount) = (nil, 0)
        guard kept != addresses else { return hadFailed ? .recovered : .nothing }
        addresses = kept
        return .addresses
    }

    private mutating func fail(
        _ reason: String, at now: MonotonicTime, _ interval: Duration
    ) -> Change {
        let pause = HostAnswer.firstPause * (1 << min(failureCount, 16))
        due = now + (addresses == nil ? min(pause, interval) : interval)
        failureCount += 1
        guard failure != reason else { return .nothing }
        failure = reason
        return .failed(reason: reason)
    }

    /// The names to look up now, and when others are to be.
    ///
    /// Who has waited longest comes first: names that hang, and are due again at once, would keep
    /// others from ever having a turn.
    static func due(
        at now: MonotonicTime, among answers: [String: HostAnswer], atMost count: Int
    ) -> (names: [String], next: MonotonicTime) {
        let idle = answers.filter { !$0.value.isUnderWay }
        let waiting = idle.filter { $0.value.due <= now }.sorted { $0.value.due < $1.value.due }
        let next = idle.values.lazy.map(\.due).filter { $0 > now }.min()
        return (waiting.prefix(count).map(\.key), next ?? .distantFuture)
    }

    /// What the process before knew, until there is an answer.
    mutating func assume(_ known: [IPAddress]) {
        if addresses == nil { addresses = known }
    }
}
