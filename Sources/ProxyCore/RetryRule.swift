/// Which requests are sent again after an attempt that came to nothing (`proxy-next-upstream` and
/// its limits). It belongs to the route.
///
/// A connection that could not be made has carried nothing, so any request may go elsewhere. One
/// that was sent may have been processed: it is sent again only where that does no harm
/// (RFC 9110 §9.2.2), or where the route says so by `non_idempotent`.
package struct RetryRule: Sendable, Equatable {
    /// How an attempt ends without an answer that the client may see.
    package struct Conditions: OptionSet, Sendable {
        package let rawValue: UInt16

        package init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        /// No connection, or one that broke before a response head.
        package static let error = Conditions(rawValue: 1 << 0)
        /// Nothing in time: no connection, or no response head.
        package static let timeout = Conditions(rawValue: 1 << 1)
        /// What came is no response.
        package static let invalidHeader = Conditions(rawValue: 1 << 2)
        package static let http403 = Conditions(rawValue: 1 << 3)
        package static let http404 = Conditions(rawValue: 1 << 4)
        package static let http429 = Conditions(rawValue: 1 << 5)
        package static let http500 = Conditions(rawValue: 1 << 6)
        package static let http502 = Conditions(rawValue: 1 << 7)
        package static let http503 = Conditions(rawValue: 1 << 8)
        package static let http504 = Conditions(rawValue: 1 << 9)

        /// What a status is, where it is one of those above; else empty.
        package init(status: UInt16) {
            switch status {
            case 403: self = .http403
            case 404: self = .http404
            case 429: self = .http429
            case 500: self = .http500
            case 502: self = .http502
            case 503: self = .http503
            case 504: self = .http504
            default: self = []
            }
        }
    }

    package var conditions: Conditions = [.error, .timeout]
    /// POST and the like are sent again, too.
    package var includesNonIdempotent = false
    /// Attempts in all; 0: as many as there are backends, at most `attemptsMax`.
    package var tries: UInt8 = 3
    /// Seconds from the first attempt on, after which no other begins; 0: whenever. As small as
    /// this because each exchange holds a copy.
    package var timeoutSeconds: UInt32 = 0

    /// 16: as many backends as one request can remember to have tried.
    package static let attemptsMax: UInt8 = 16

    package init() {}

    /// Attempts in all, as a number that bounds them in every case.
    package var attemptsMax: UInt8 {
        tries == 0 ? Self.attemptsMax : min(tries, Self.attemptsMax)
    }

    /// Whether an attempt that ended so may be followed by another.
    package func allows(_ condition: Conditions) -> Bool {
        !condition.isEmpty && conditions.isSuperset(of: condition)
    }
}

/// How many requests one worker sends a second time, so that an outage does not double the load on
/// the backends that are left: a fifth of the requests that come, and ten a second besides for
/// quiet times. Connections that could not be made are not counted: they load nobody.
///
/// Pure: it is told the time, in milliseconds.
package struct RetryBudget: Sendable, Equatable {
    /// In thousandths of a retry.
    private var credit: UInt64
    private var filledAt: UInt64?

    private static let costOfRetry: UInt64 = 1_000
    private static let creditOfRequest: UInt64 = 200
    /// 10 a second are 10 thousandths a millisecond.
    private static let creditOfMillisecond: UInt64 = 10
    /// 500 retries: what a backend that dies may leave unanswered at one moment.
    private static let creditMax: UInt64 = 500_000

    package init() {
        credit = Self.creditMax
    }

    package mutating func requestArrived() {
        credit = min(credit + Self.creditOfRequest, Self.creditMax)
    }

    /// Takes one retry, if there is one.
    package mutating func take(at now: UInt64) -> Bool {
        let elapsed = now &- (filledAt ?? now)
        filledAt = now
        // A minute fills it; the bound keeps the product small.
        let earned = min(elapsed, 60_000) * Self.creditOfMillisecond
        credit = min(credit + earned, Self.creditMax)
        guard credit >= Self.costOfRetry else { return false }
        credit -= Self.costOfRetry
        return true
    }
}
