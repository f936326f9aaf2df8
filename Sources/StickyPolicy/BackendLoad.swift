internal import Synchronization

/// What a backend has to do right now, as all workers see it: the only state of the policy, beside
/// the session table, that they share. It outlives the configurations that name the backend.
///
/// The numbers are relaxed: each is right by itself, and a choice between backends that is a moment
/// out of date is as good.
public final class BackendLoad: Sendable {
    private let openCount = Atomic<Int>(0)
    private let tunnelCount = Atomic<Int>(0)
    /// Sessions that were placed here, cut back from time to time to those that are still seen.
    private let boundCount = Atomic<Int>(0)
    private let countedMinute = Atomic<UInt32>(0)
    /// Microseconds as a `Float`, above the milliseconds of the clock at the last sample.
    private let latency = Atomic<UInt64>(0)
    /// The state that was last told, above the second since when.
    private let phase = Atomic<UInt64>(0)
    private let recent = RecentSessions()

    public init() {}

    // Requests and tunnels.

    /// A request was given to the backend, and waits for its answer or has become a tunnel.
    public func enter() {
        openCount.wrappingAdd(1, ordering: .relaxed)
    }

    /// The end of what `enter` began.
    public func leave() {
        openCount.wrappingSubtract(1, ordering: .relaxed)
    }

    /// Requests under way and open tunnels.
    public var open: Int { openCount.load(ordering: .relaxed) }

    public func tunnelOpened() {
        tunnelCount.wrappingAdd(1, ordering: .relaxed)
    }

    public func tunnelClosed() {
        tunnelCount.wrappingSubtract(1, ordering: .relaxed)
    }

    public var openTunnels: Int { tunnelCount.load(ordering: .relaxed) }

    // Sessions.

    /// A request of a session that lives here.
    func note(_ session: UInt64, at monotonicSeconds: UInt32) {
        recent.note(session, at: monotonicSeconds)
    }

    /// A session begins here.
    func bind() {
        boundCount.wrappingAdd(1, ordering: .relaxed)
    }

    /// Sessions that began here, about; to tell backends apart that have nothing else to do.
    var bound: Int { boundCount.load(ordering: .relaxed) }

    /// Counts the sessions anew, once a minute at most.
    func recount(at monotonicSeconds: UInt32) {
        let minute = monotonicSeconds / 60
        guard countedMinute.load(ordering: .relaxed) != minute else { return }
        countedMinute.store(minute, ordering: .relaxed)
        _ = recentSessions(at: monotonicSeconds)
    }

    /// Different sessions that were seen within some minutes, at most 6: an estimate.
    public func recentSessions(at monotonicSeconds: UInt32, minutes: UInt32 = 5) -> Int {
        let count = recent.count(at: monotonicSeconds, window: minutes)
        boundCount.store(count, ordering: .relaxed)
        return count
    }

    // How fast it answers.

    /// The time from the choice of the backend to the head of its response.
    ///
    /// Peak EWMA: a slower answer counts at once, and is forgotten within about ten seconds.
    public func answered(afterMicroseconds sample: UInt32, at milliseconds: UInt32) {
        let before = latency.load(ordering: .relaxed)
        let sample = Float(sample)
        let old = Self.decayed(before, at: milliseconds)
        let weight = Self.weight(of: before, at: milliseconds)
        let new = sample > old ? sample : sample + (old - sample) * weight
        // Of two workers at one time one sample is lost, which an average bears.
        latency.store(
            UInt64(max(new, 1).bitPattern) << 32 | UInt64(milliseconds), ordering: .relaxed)
    }

    /// Microseconds that an answer takes, lately; nil before the first.
    public func latency(at milliseconds: UInt32) -> Float? {
        let packed = latency.load(ordering: .relaxed)
        return packed == 0 ? nil : Self.decayed(packed, at: milliseconds)
    }

    /// A backend that nobody asks is forgiven: its score falls until it is asked again.
    private static func decayed(_ packed: UInt64, at milliseconds: UInt32) -> Float {
        Float(bitPattern: UInt32(truncatingIfNeeded: packed >> 32))
            * weight(of: packed, at: milliseconds)
    }

    /// What is left of a sample: 1 at once, a half after 7 s, a 400th after a minute. The rational
    /// function takes the place of e^(-t / 10 s), of which it is 2 % off after a minute.
    private static func weight(of packed: UInt64, at milliseconds: UInt32) -> Float {
        let elapsed = milliseconds &- UInt32(truncatingIfNeeded: packed)
        guard packed != 0, elapsed < 1 << 31 else { return 1 }
        // The eighth power of e^(-t / 80 s), whose series ends soon.
        let t = min(Float(elapsed) / 80_000, 100)
        let eighth = 1 / (1 + t + t * t / 2 + t * t * t / 6 + t * t * t * t / 24)
        let quarter = eighth * eighth
        let half = quarter * quarter
        return half * half
    }

    // Since when it is what it is.

    /// Notes the state of the backend, and answers since when it is in it; nil for a backend that
    /// was ready when it was first heard of.
    func since(_ state: BackendState, at monotonicSeconds: UInt32) -> UInt32? {
        let code = UInt64(state.rawValue) + 1
        let before = phase.load(ordering: .relaxed)
        if before >> 33 == code {
            return before >> 32 & 1 == 0 ? nil : UInt32(truncatingIfNeeded: before)
        }
        let isFirst = before == 0 && state == .ready
        phase.store(
            code << 33 | (isFirst ? 0 : 1 << 32) | UInt64(monotonicSeconds), ordering: .relaxed)
        return isFirst ? nil : monotonicSeconds
    }
}
