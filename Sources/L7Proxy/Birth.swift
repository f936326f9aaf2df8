import Glibc
import Synchronization

/// How a new thread tells whoever started it that it is at work, or why not.
final class Birth<Value: Sendable, Failure: Error>: Sendable {
    private let outcome = Mutex<Result<Value, Failure>?>(nil)

    func report(_ result: Result<Value, Failure>) {
        outcome.withLock { $0 = result }
    }

    func wait() -> Result<Value, Failure> {
        while true {
            if let result = outcome.withLock({ $0 }) { return result }
            // Once at start, for a fraction of a millisecond.
            usleep(200)
        }
    }
}
