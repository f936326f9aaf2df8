package import StickyPolicy

/// What is known of one backend's health, in one word that threads can swap whole.
///
/// Two sources write to it. Checks say what they found; requests count their failures, and enough
/// in a row eject the backend. After a while one request is let through as a trial, and what
/// becomes of it decides.
///
/// Pure: it is told the time, in milliseconds of any clock that does not jump.
package struct BackendHealth: RawRepresentable, Equatable, Sendable {
    /// From the lowest bit: 2 bits for each of the two checks, 1 for the trial, 3 unused, 8 for
    /// failures in a row, 48 for the moment up to which the backend is out, or 0.
    package var rawValue: UInt64

    package init(rawValue: UInt64 = 0) {
        self.rawValue = rawValue
    }

    /// Which check speaks.
    package enum Checker: UInt64, Sendable {
        /// `healthCheck`.
        case application = 0
        /// `healthCheckNodePort`.
        case node = 2
    }

    /// What an event amounts to, for the log.
    package enum Change: Equatable, Sendable {
        case none, ejected, recovered
    }

    private static let trialBit: UInt64 = 1 << 4
    private static let failuresShift: UInt64 = 8
    private static let untilShift: UInt64 = 16
    private static let untilMax: UInt64 = 1 << 48 - 1

    // MARK: - Checks

    /// The worse of what the checks found last; ready where nothing was checked.
    package var checked: BackendState {
        let worst = max(found(by: .application).rawValue, found(by: .node).rawValue)
        return BackendState(rawValue: worst) ?? .ready
    }

    package func found(by checker: Checker) -> BackendState {
        BackendState(rawValue: UInt8(rawValue >> checker.rawValue & 3)) ?? .ready
    }

    package mutating func note(_ state: BackendState, by checker: Checker) {
        rawValue &= ~(3 << checker.rawValue)
        rawValue |= UInt64(state.rawValue) << checker.rawValue
    }

    /// Takes over what another process knew of the backend, as far as the service still asks.
    package mutating func inherit(_ other: BackendHealth, _ service: Service) {
        if service.healthCheck != nil { note(other.found(by: .application), by: .application) }
        if service.nodeCheck != nil { note(other.found(by: .node), by: .node) }
        guard service.passiveHealth.maxFails > 0 else { return }
        setFailures(other.failureCount)
        if other.isEjected { setOut(until: other.outUntil) }
    }

    // MARK: - Requests

    /// Nothing speaks against the backend, and no failure is counted: the common case, so that a
    /// request that went well has nothing to write.
    package var isSpotless: Bool { rawValue >> Self.failuresShift == 0 }

    package var failureCount: UInt8 { UInt8(rawValue >> Self.failuresShift & 0xFF) }

    /// Failing requests have taken it out.
    package var isEjected: Bool { outUntil != 0 }

    /// When a trial is due; 0 exactly when the backend is not ejected.
    package var outUntil: UInt64 { rawValue >> Self.untilShift }

    /// A request failed for a reason that is the backend's.
    package mutating func requestFailed(at now: UInt64, _ rule: PassiveHealth) -> Change {
        guard rule.maxFails > 0 else { return .none }
        if isEjected {
            // What was under way when it was ejected says nothing new.
            guard isOnTrial else { return .none }
            rawValue &= ~Self.trialBit
            setOut(until: now &+ rule.failMilliseconds)
            return .none
        }
        let count = failureCount == .max ? .max : failureCount + 1
        setFailures(count)
        guard count >= rule.maxFails else { return .none }
        setOut(until: now &+ rule.failMilliseconds)
        return .ejected
    }

    /// A request was answered whole. One answer is enough: it is more than any timeout knows.
    package mutating func requestSucceeded() -> Change {
        let change: Change = isEjected ? .recovered : .none
        rawValue &= Self.trialBit - 1
        return change
    }

    private var isOnTrial: Bool { rawValue & Self.trialBit != 0 }

    /// Takes the right to send one request to an ejected backend whose time is over. A right that
    /// is not used is free again after another `failTimeout`.
    package mutating func claimTrial(at now: UInt64, _ rule: PassiveHealth) -> Bool {
        guard isEjected, now >= outUntil else { return false }
        rawValue |= Self.trialBit
        setOut(until: now &+ rule.failMilliseconds)
        return true
    }

    private mutating func setFailures(_ count: UInt8) {
        rawValue &= ~(0xFF << Self.failuresShift)
        rawValue |= UInt64(count) << Self.failuresShift
    }

    private mutating func setOut(until time: UInt64) {
        rawValue &= 1 << Self.untilShift - 1
        rawValue |= min(max(time, 1), Self.untilMax) << Self.untilShift
    }
}

extension PassiveHealth {
    fileprivate var failMilliseconds: UInt64 {
        let (seconds, attoseconds) = failTimeout.components
        return UInt64(max(seconds, 0)) &* 1_000
            &+ UInt64(max(attoseconds, 0) / 1_000_000_000_000_000)
    }
}
