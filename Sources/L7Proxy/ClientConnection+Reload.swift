import ProxyCore
import Transport

/// What a reload is to a connection that is open.
extension ClientConnection {
    /// Idle clients and tunnels have no more use for the configuration that they hold, and could
    /// keep it in memory for days.
    func letGoOfOldConfiguration() {
        switch exchange.responseSide {
        case .idle:
            takeTime(of: worker.configuration)
            configuration = worker.configuration
        case .tunnel:
            // It keeps its time until its next byte: many may have been silent for long, and are
            // not all to end at once.
            keepNames()
            configuration = worker.configuration
        case .queued, .connecting, .awaitingHead, .body, .complete: break
        }
    }

    /// A wait has the new time from when it began: with the old one, a client would keep its place
    /// for long after `clientIdle` was lowered, and seem silent where it was raised.
    private func takeTime(of new: WorkerConfiguration) {
        guard let wait = currentWait, let deadline = downstream.deadline else { return }
        let before = configuration.deadline(for: wait, from: MonotonicTime(nanoseconds: 0))
        let start = MonotonicTime(nanoseconds: deadline.nanoseconds &- before.nanoseconds)
        downstream.deadline = new.deadline(for: wait, from: start)
    }
}
