import ProxyCore
import StickyPolicy
import Transport

/// One worker's view of the health board: the state that its selector uses each backend in.
///
/// It looks at the words of the backends only when one has changed, or when an ejected backend is
/// due for a trial. A trial is one request: the worker that claims it has the backend ready until
/// a request has gone there, the others go on without.
@safe
final class HealthView {
    /// A change of state to tell the selector.
    struct Change {
        let service: Int
        let backend: Int
        let state: BackendState
    }

    private struct Trial: Equatable {
        let service: Int
        let backend: Int
    }

    private let board: HealthBoard
    // SAFETY: `board` keeps the object alive as long as this value. Each request looks at it, and
    // counting references to what all workers share would cost more than the look.
    private let uncounted: Unmanaged<HealthBoard>
    private let services: [ServiceHealth]
    private var states: [[BackendState]]
    private var doubts: [ServiceStates.Doubt]
    private var seenVersion: UInt64 = 0
    /// Claimed by this worker, and not used yet.
    private var trials: [Trial] = []
    private var nextTrial = MonotonicTime.distantFuture

    /// - Parameter services: of the configuration, as `board` knows them.
    init(_ services: [ServiceHealth], board: HealthBoard) {
        self.board = board
        unsafe uncounted = .passUnretained(board)
        self.services = services
        // What the selector begins with.
        states = services.map { $0.administrative.map(\.configured) }
        doubts = services.map { _ in .nothing }
    }

    func isStale(at now: MonotonicTime) -> Bool {
        let version = unsafe uncounted._withUnsafeGuaranteedRef { $0.currentVersion }
        return version != seenVersion || !(now < nextTrial)
    }

    /// Looks at all backends again.
    func refresh(at now: MonotonicTime) -> [Change] {
        seenVersion = board.currentVersion
        trials.removeAll()
        var due = UInt64.max
        var changes: [Change] = []
        for service in services.indices where !services[service].cells.isEmpty {
            let found = look(at: service, now: now.milliseconds, due: &due)
            for backend in found.states.indices
            where found.states[backend] != states[service][backend] {
                changes.append(
                    Change(service: service, backend: backend, state: found.states[backend]))
            }
            states[service] = found.states
            if found.doubt != doubts[service] {
                doubts[service] = found.doubt
                board.noteDoubt(found.doubt, about: services[service])
            }
        }
        let (nanoseconds, overflow) = due.multipliedReportingOverflow(by: 1_000_000)
        nextTrial = overflow ? .distantFuture : MonotonicTime(nanoseconds: nanoseconds)
        return changes
    }

    private func look(at service: Int, now: UInt64, due: inout UInt64) -> ServiceStates {
        let known = services[service]
        let health = known.cells.map(\.health)
        let wanted = known.wanted
        var found = ServiceStates(
            wanted: wanted, health: health, panicThreshold: known.rule.panicThreshold)
        for backend in health.indices where health[backend].isEjected {
            let cell = known.cells[backend]
            if cell.update({ $0.claimTrial(at: now, known.rule) }) {
                trials.append(Trial(service: service, backend: backend))
                // For this worker it is as good as the others, until the trial is under way.
                found.admit(backend, wanted: wanted[backend], health[backend])
            }
            let outUntil = cell.health.outUntil
            if outUntil > 0 { due = min(due, outUntil) }
        }
        return found
    }

    /// A request goes to a backend: if that is a trial, the next one waits for what becomes of it.
    func requestGoes(to backend: Int, ofService service: Int) -> Change? {
        guard !trials.isEmpty,
            let position = trials.firstIndex(of: Trial(service: service, backend: backend))
        else { return nil }
        trials.remove(at: position)
        guard doubts[service] == .nothing else { return nil }
        states[service][backend] = .down
        return Change(service: service, backend: backend, state: .down)
    }

    // MARK: - Reports

    // By what they are about and not by position: an exchange may have outlived the configuration
    // that it began under.

    func requestFailed(
        at target: BackendTarget, now: MonotonicTime, because reason: StaticString
    ) {
        board.requestFailed(target.health, target.rule, at: now, because: reason)
    }

    func requestSucceeded(_ choice: Choice) {
        // The path of every request ends here: nothing is written where nothing was wrong.
        // SAFETY: the board is held by this view for as long as it lives.
        guard unsafe uncounted._withUnsafeGuaranteedRef({ $0.hasTrouble }) else { return }
        board.requestSucceeded(choice.target.health)
    }
}
