import ProxyCore
import StickyPolicy
import Transport

/// Places at backends that carry only so many requests (`maxConnections`), and waiting for one.
extension ClientConnection {
    /// Whether the request has its place at the chosen backend, or needs none.
    func takePlace() -> Bool {
        guard configuration.hasBackendLimits, let choice,
            let place = configuration.place(for: choice)
        else { return true }
        if heldPlace === place.load { return true }
        // Who came later does not take the place of who waits.
        guard worker.queue.isFirst(downstream, for: place.load),
            place.load.enter(limit: place.limit)
        else { return false }
        heldPlace = place.load
        return true
    }

    /// The request has left the backend: the next one on this loop may come. Those of other loops
    /// look for themselves.
    func leavePlace() {
        guard let load = heldPlace else { return }
        heldPlace = nil
        load.leave()
        if let next = worker.queue.next(for: load) { worker.loop.runAgain(next) }
    }

    /// A session waits for its own backend, whoever belongs nowhere goes where there is room.
    func backendWasFull() {
        keepPreparedRequest()
        if takesOtherPlace() { return connect() }
        guard let choice, let place = configuration.place(for: choice) else { return connect() }
        queueTicket = configuration.enterQueue(choice, at: worker.loop.now)
        if queueTicket != nil {
            worker.queue.append(downstream, for: place.load, isFree: !isBound)
        }
        perform(exchange.backendWasFull(mayWait: queueTicket != nil))
    }

    /// Looks whether the wait is over.
    func leaveQueueIfPossible() -> Bool {
        guard takePlace() || takesOtherPlace() else { return false }
        leaveQueue()
        perform(exchange.placeBecameFree())
        return true
    }

    func leaveQueue() {
        guard let ticket = queueTicket else { return }
        queueTicket = nil
        ticket.giveBack()
        worker.queue.remove(downstream)
    }

    /// When to look again. 10 ms: a place that another loop has freed is not idle for long.
    var nextLookAtQueue: MonotonicTime? {
        queueTicket.map { min($0.end, worker.loop.now + .milliseconds(10)) }
    }

    private var isBound: Bool { choice?.selection.reason == .hit }

    /// Chooses another backend that has a place, and takes it. Without one, the choice stays.
    private func takesOtherPlace() -> Bool {
        guard !isBound, let choice else { return false }
        let wanted = choice.course
        while configuration.turnToSuccessor(choice) {
            if takePlace() { return true }
        }
        choice.comeBack(to: wanted)
        return false
    }
}
