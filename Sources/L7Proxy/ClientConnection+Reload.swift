import ProxyCore
import StickyPolicy
import Transport

/// What a reload is to a connection that is open.
extension ClientConnection {
    /// Idle clients, tunnels, streams and uploads have next to no use for the configuration that
    /// they hold, and could keep it in memory for days.
    func letGoOfOldConfiguration() {
        switch exchange.responseSide {
        case .idle:
            takeTime(of: worker.configuration)
            configuration = worker.configuration
        case .tunnel, .body: keepWhatIsNeeded()
        case .awaitingHead where mayLetGoBeforeAnswer: keepWhatIsNeeded()
        // It ends, or has its answer, within the times of its attempts.
        case .queued, .connecting, .awaitingHead, .complete: break
        }
    }

    /// An upload may take hours before its answer begins. What an answer teaches, a tunnel's home
    /// and a successor are found by positions, in the configuration that they are of.
    private var mayLetGoBeforeAnswer: Bool {
        exchange.hasItsLastConnection && !exchange.request.offersUpgrade
            && choice?.affinity.learns == false
    }

    /// It keeps its time until its next byte: many may have been silent for long, and are not all
    /// to end at once.
    private func keepWhatIsNeeded() {
        if former == nil {
            let place = makeRecord().place
            let name = configuration.counters.counters(of: place).name
            former = FormerConfiguration(
                names: configuration.snapshot.configuration.names(
                    of: place, counted: (name.route, name.service)),
                requestBodyMax: configuration.limits.requestBody)
        }
        configuration = worker.configuration
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
