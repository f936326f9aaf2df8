internal import CLinux
internal import Glibc

/// Signals as something to wait for: nothing of ours ever runs inside a signal handler.
package enum Signals {
    /// Holds these signals back in this thread and those it starts from now on, so that they are
    /// left for `wait`. To be called before the first thread starts.
    package static func block(_ numbers: [Int32]) {
        var set = set(of: numbers)
        _ = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Waits for one of these signals, which must be blocked; nil when the time is over. Without a
    /// timeout it waits as long as it takes.
    package static func wait(for numbers: [Int32], timeout: Duration? = nil) -> Int32? {
        var set = set(of: numbers)
        let end = timeout.map { MonotonicTime.now() + $0 }
        while true {
            let number: Int32
            if let end {
                let rest = (end - .now()).wholeNanoseconds
                var time = timespec(
                    tv_sec: Int(clamping: rest / 1_000_000_000),
                    tv_nsec: Int(rest % 1_000_000_000))
                number = unsafe sigtimedwait(&set, nil, &time)
            } else {
                number = unsafe sigwaitinfo(&set, nil)
            }
            if number > 0 { return number }
            // Another signal interrupted: the time that is left is waited for.
            guard errno == EINTR else { return nil }
        }
    }

    /// Lets a write to a closed pipe fail instead of ending the process.
    package static func ignoreBrokenPipe() {
        clinux_broken_pipe_ignore()
    }

    private static func set(of numbers: [Int32]) -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in numbers { unsafe sigaddset(&set, number) }
        return set
    }
}
