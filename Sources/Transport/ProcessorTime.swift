internal import Glibc

/// The time that processors have spent on this process.
package enum ProcessorTime {
    /// User and system time of all threads, in seconds.
    package static func ofProcess() -> Double {
        var time = timespec()
        // The clock of one's own process cannot fail to be read.
        _ = unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
    }
}
