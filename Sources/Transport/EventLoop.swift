/// One epoll, one thread: it waits for events and deadlines and calls whom they concern.
///
/// Connections are registered once, edge-triggered, for everything; nothing about them is told to
/// the kernel again. Objects of a loop stay on its thread; only `mailbox` crosses.
package final class EventLoop {
    /// The monotonic clock at the beginning of this turn.
    package private(set) var now = MonotonicTime.now()
    /// The time of day at the beginning of this turn, in seconds since 1970.
    package private(set) var unixSeconds = WallClock.unixSeconds()
    /// The same in milliseconds, as exact as the kernel's ticks.
    package private(set) var unixMilliseconds = WallClock.unixMilliseconds()
    package let mailbox: Wakeup
    /// Runs on the loop's thread after `mailbox.wake()`.
    package var onWake: (() -> Void)?
    /// Runs after all events and deadlines of a turn, before the next wait.
    package var onTurnEnd: (() -> Void)?
    package let buffers = BufferPool()

    private let epoll: Epoll
    private var slots = SlotTable()
    private var wheel: TimerWheel
    private var isRunning = false
    /// Whom to call again in the next turn.
    private var queue: [EventToken] = []
    private var queueOfThisTurn: [EventToken] = []
    /// Who waits for a step of a handshake, in the order in which they asked.
    private var handshakes = HandshakeQueue()
    /// What died in this turn. No callback frees an object that is still at work.
    private var keptUntilTurnEnd: [AnyObject] = []

    package init() throws(SystemError) {
        epoll = try Epoll()
        mailbox = try Wakeup()
        wheel = TimerWheel(now: now)
        try epoll.add(mailbox.descriptor, [.readable, .edge], token: .mailbox)
    }

    /// Turns until `stop`.
    package func run() {
        isRunning = true
        while isRunning { turn() }
    }

    /// Ends `run` after this turn. From the loop's own thread; others wake it first.
    package func stop() {
        isRunning = false
    }

    /// The connections and listeners that are watched.
    package var sourceCount: Int { slots.count }

    /// Holds on to an object until the end of this turn, for one that may not vanish while a
    /// method of it is running.
    package func keepUntilTurnEnd(_ object: AnyObject) {
        keptUntilTurnEnd.append(object)
    }

    /// Waits once, at most so long, and serves what there is.
    package func turn(waitingAtMost limit: Duration? = nil) {
        let eventCount = epoll.wait(milliseconds: waitMilliseconds(limit))
        now = .now()
        unixMilliseconds = WallClock.unixMilliseconds()
        unixSeconds = unixMilliseconds / 1_000
        swap(&queue, &queueOfThisTurn)
        for index in 0..<eventCount {
            let (events, token) = epoll[index]
            deliver(events, to: token)
        }
        serveQueue()
        serveHandshakes()
        serveDeadlines()
        onTurnEnd?()
        // One by one: an object's own end may add another.
        while keptUntilTurnEnd.popLast() != nil {}
    }
}

// A turn.
extension EventLoop {
    private func waitMilliseconds(_ limit: Duration?) -> Int32 {
        if !queue.isEmpty || !handshakes.isEmpty { return 0 }
        var wait = limit?.wholeNanoseconds
        if let visit = wheel.nextVisit {
            // `now` is from the beginning of the turn. The clock is not read again for this: a
            // deadline may come late by the length of a turn.
            let untilVisit = visit > now ? visit.nanoseconds - now.nanoseconds : 0
            wait = min(wait ?? .max, untilVisit)
        }
        guard let wait else { return -1 }
        // Rounded up: rounded down, the last millisecond would be spent spinning.
        let milliseconds = wait / 1_000_000 + (wait % 1_000_000 == 0 ? 0 : 1)
        return Int32(clamping: milliseconds)
    }

    private func deliver(_ events: ReadyEvents, to token: EventToken) {
        if token == .mailbox {
            onWake?()
            return
        }
        // Nobody: the source was closed by an earlier event of this turn.
        guard let source = slots.source(for: token) else { return }
        source.isQueuedToRun = false
        source.eventsArrived(events)
    }

    /// Calls those who asked for it in the last turn and had no event in this one.
    private func serveQueue() {
        for token in queueOfThisTurn {
            guard let source = slots.source(for: token), source.isQueuedToRun else { continue }
            deliver([], to: token)
        }
        queueOfThisTurn.removeAll(keepingCapacity: true)
    }

    /// Four a turn: a step with an RSA signature takes about a millisecond, and the connections
    /// that are established wait no longer than that few of them take.
    private static let handshakesPerTurn = 4

    private func serveHandshakes() {
        guard !handshakes.isEmpty else { return }
        var granted = 0
        while granted < Self.handshakesPerTurn, let token = handshakes.popFirst() {
            guard let source = slots.source(for: token), source.isQueuedToShake else { continue }
            source.isQueuedToShake = false
            granted += 1
            source.handshakeGranted()
        }
    }

    private func serveDeadlines() {
        wheel.advance(to: now)
        while let slot = wheel.popDue() {
            guard let source = slots.source(at: slot) else { continue }
            source.armedTime = .distantFuture
            if source.deadlineTime <= now {
                source.deadlineTime = .distantFuture
                source.deadlinePassed()
            } else if source.deadlineTime != .distantFuture {
                arm(source)
            }
        }
    }

    private func arm(_ source: EventSource) {
        source.armedTime = source.deadlineTime
        wheel.arm(source.token.slot, at: source.deadlineTime)
    }
}

// For sources.
extension EventLoop {
    /// Watches a descriptor until `unregister`, and owns the source as long.
    func register(
        _ source: EventSource, descriptor: Int32, for events: ReadyEvents
    ) throws(SystemError) {
        let token = slots.insert(source)
        do throws(SystemError) {
            try epoll.add(descriptor, events, token: token)
        } catch {
            _ = slots.remove(token)
            throw error
        }
        source.token = token
    }

    func modify(
        _ source: EventSource, descriptor: Int32, for events: ReadyEvents
    ) throws(SystemError) {
        try epoll.modify(descriptor, events, token: source.token)
    }

    /// Takes a descriptor of which a duplicate may stay open from the kernel's list.
    func unwatch(descriptor: Int32) {
        epoll.remove(descriptor)
    }

    /// Forgets a source whose descriptor is being closed. The object lives to the turn's end.
    func unregister(_ source: EventSource) {
        guard let owned = slots.remove(source.token) else { return }
        wheel.cancel(source.token.slot)
        source.token = .none
        source.deadlineTime = .distantFuture
        source.armedTime = .distantFuture
        keptUntilTurnEnd.append(owned)
    }

    func setDeadline(_ deadline: MonotonicTime, of source: EventSource) {
        guard source.token != .none else { return }
        source.deadlineTime = deadline
        if deadline < source.armedTime { arm(source) }
    }

    /// Calls `handshakeGranted` in this turn or a later one.
    func queueHandshake(of source: EventSource) {
        guard !source.isQueuedToShake, source.token != .none else { return }
        source.isQueuedToShake = true
        handshakes.append(source.token)
    }

    func runAgain(source: EventSource) {
        guard !source.isQueuedToRun, source.token != .none else { return }
        source.isQueuedToRun = true
        queue.append(source.token)
    }
}
