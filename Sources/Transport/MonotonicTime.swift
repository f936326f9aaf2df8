internal import Glibc

/// A moment on the monotonic clock, in nanoseconds; comparable within one boot.
@frozen
package struct MonotonicTime: Comparable, Hashable, Sendable {
    package var nanoseconds: UInt64

    @inlinable
    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// Later than every moment that comes: a deadline that never passes.
    @inlinable @inline(__always)
    package static var distantFuture: MonotonicTime { MonotonicTime(nanoseconds: .max) }

    /// Reads the clock. A loop does it once a turn and shows it as `EventLoop.now`.
    package static func now() -> MonotonicTime {
        let time = readClock(CLOCK_MONOTONIC)
        return MonotonicTime(
            nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
    }

    @inlinable
    package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The moment `nanoseconds` later; `.distantFuture` where the number has no room for it.
    ///
    /// The data path uses this with timeouts converted once: `Duration` counts in 128 bits, and
    /// a division of those a deadline is felt.
    @inlinable
    package func advanced(byNanoseconds nanoseconds: UInt64) -> MonotonicTime {
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
        return overflow ? .distantFuture : MonotonicTime(nanoseconds: sum)
    }

    package static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
        time.advanced(byNanoseconds: duration.wholeNanoseconds)
    }

    /// How long after `earlier` this moment is; negative when it is before it.
    package static func - (later: MonotonicTime, earlier: MonotonicTime) -> Duration {
        if later < earlier { return .zero - (earlier - later) }
        return .nanoseconds(Int64(clamping: later.nanoseconds - earlier.nanoseconds))
    }
}

extension Duration {
    /// The duration as a count: 0 for a negative one, `UInt64.max` beyond 584 years.
    package var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, sumOverflow) = whole.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
        return overflow || sumOverflow ? .max : sum
    }
}

/// The time of day, for dates that people read. Never for deadlines: it jumps.
package enum WallClock {
    /// Seconds since 1970, as of the kernel's last tick: a few nanoseconds, at most 10 ms late.
    package static func unixSeconds() -> Int64 {
        Int64(readClock(CLOCK_REALTIME_COARSE).tv_sec)
    }

    /// Milliseconds since 1970, as of the kernel's last tick.
    package static func unixMilliseconds() -> Int64 {
        let time = readClock(CLOCK_REALTIME_COARSE)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}

private func readClock(_ clock: clockid_t) -> timespec {
    var time = timespec()
    // A clock of the kernel with a valid address cannot fail.
    _ = unsafe clock_gettime(clock, &time)
    return time
}
