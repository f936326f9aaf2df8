import StickyPolicy
import Synchronization
import Transport

/// What one worker has counted for one route and service.
///
/// Written by the worker's thread alone, so that a count is a load and a store and no locked
/// instruction; read by any. What is counted is 64 bytes away from either end, so that no cache
/// line of it is another thread's too.
final class RouteCounters: Sendable {
    /// What it is called in metrics.
    struct Name: Hashable, Sendable {
        /// Empty for the default service, and for requests that come to none.
        let route: String
        /// Empty for requests that come to no service.
        let service: String
    }

    /// Where each count stands: a position in `values`.
    enum Place {
        /// By the first digit of the status; 0 where the client was told nothing.
        static let statuses = 8
        static let statusCount = 7
        static let ends = statuses + statusCount
        static let endCount = 6
        /// From the head of a request to the end of its answer; not of tunnels.
        static let durations = ends + endCount
        static let durationSum = durations + DurationBuckets.count
        /// From when a request was sent to a backend to the head of the answer.
        static let waits = durationSum + 1
        static let waitSum = waits + DurationBuckets.count
        static let received = waitSum + 1
        static let sent = received + 1
        static let tunnels = sent + 1
        static let retries = tunnels + 1
        static let decisions = retries + 1
        static let end = decisions + AffinityKind.count * AffinityReason.count
    }

    let name: Name
    private let values = InlineArray<160, Atomic<UInt64>> { _ in Atomic(0) }

    init(_ name: Name) {
        precondition(Place.end + 8 <= 160)
        self.name = name
    }

    func value(at place: Int) -> UInt64 { values[place].load(ordering: .relaxed) }

    private func add(_ amount: UInt64, at place: Int) {
        let value = values[place].load(ordering: .relaxed)
        values[place].store(value &+ amount, ordering: .relaxed)
    }

    /// From the worker's own thread only.
    func count(_ record: ExchangeRecord) {
        add(1, at: Place.statuses + min(Int(record.status / 100), Place.statusCount - 1))
        add(1, at: Place.ends + Int(record.end.rawValue))
        add(record.requestByteCount, at: Place.received)
        add(record.responseByteCount, at: Place.sent)
        if record.attempts > 1 { add(UInt64(record.attempts) - 1, at: Place.retries) }
        if record.place.backend != nil {
            let decision = record.affinity.position * AffinityReason.count + record.reason.position
            add(1, at: Place.decisions + decision)
        }
        if record.isTunnel {
            add(1, at: Place.tunnels)
        } else {
            count(record.times)
        }
    }

    private func count(_ times: ExchangeRecord.Times) {
        let whole = RouteCounters.microseconds(from: times.arrival, to: times.end)
        add(1, at: Place.durations + DurationBuckets.position(ofMicroseconds: whole))
        add(whole, at: Place.durationSum)
        guard times.answer != .distantFuture, times.forwarding != .distantFuture else { return }
        let wait = RouteCounters.microseconds(from: times.forwarding, to: times.answer)
        add(1, at: Place.waits + DurationBuckets.position(ofMicroseconds: wait))
        add(wait, at: Place.waitSum)
    }

    private static func microseconds(from start: MonotonicTime, to end: MonotonicTime) -> UInt64 {
        end > start ? (end.nanoseconds - start.nanoseconds) / 1_000 : 0
    }
}

extension AffinityKind {
    static let count = 6

    var position: Int {
        switch self {
        case .none: 0
        case .cookie: 1
        case .clientIP: 2
        case .header: 3
        case .learned: 4
        case .suffix: 5
        }
    }
}

extension AffinityReason {
    static let count = 12

    var position: Int {
        switch self {
        case .hit: 0
        case .migrated: 1
        case .new: 2
        case .forged: 3
        case .expired: 4
        case .lost: 5
        case .down: 6
        case .drain: 7
        case .hash: 8
        case .fallback: 9
        case .canary: 10
        case .none: 11
        }
    }
}
