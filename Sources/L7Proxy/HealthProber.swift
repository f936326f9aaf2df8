import Logging
import ProxyCore
import StickyPolicy
import Synchronization
import Transport

/// Checks backends on a thread of its own, one for all workers, and puts what it finds on the
/// health board. The thread begins with the first backend that has a check.
final class HealthProber {
    private let board: HealthBoard
    private let log: Logger
    private let orders = ProberOrders()
    private var thread: Transport.Thread?

    init(board: HealthBoard, log: Logger) {
        self.board = board
        self.log = log
    }

    /// Checks these from now on. Those that were checked before keep what is known of them.
    func check(_ targets: [HealthTarget]) {
        guard thread != nil || !targets.isEmpty else { return }
        orders.put(targets)
        guard thread == nil else { return }
        let (orders, board, log) = (orders, board, log)
        do throws(SystemError) {
            thread = try startThread(name: "health") {
                runProber(orders, board: board, log: log)
            }
        } catch {
            log.error("health checks are not made: \(error)")
        }
    }

    /// Ends the thread and waits for it.
    func stop() {
        orders.stop()
        thread?.join()
        thread = nil
    }
}

private func runProber(_ orders: ProberOrders, board: HealthBoard, log: Logger) {
    do throws(SystemError) {
        try HealthRounds(orders, board: board, log: log).run()
    } catch {
        log.error("health checks are not made: \(error)")
    }
}

/// Orders on their way to the prober's thread.
private final class ProberOrders: Sendable {
    private struct Contents {
        var targets: [HealthTarget]?
        var mustStop = false
        var wakeup: Wakeup?
    }

    private let contents = Mutex(Contents())

    func put(_ targets: [HealthTarget]) {
        change { $0.targets = targets }
    }

    func stop() {
        change { $0.mustStop = true }
    }

    private func change(_ body: (inout Contents) -> Void) {
        let wakeup = contents.withLock { contents in
            body(&contents)
            return contents.wakeup
        }
        wakeup?.wake()
    }

    /// Orders from before this call are found by the first `take`.
    func attach(_ wakeup: Wakeup) {
        contents.withLock { $0.wakeup = wakeup }
    }

    func take() -> (targets: [HealthTarget]?, mustStop: Bool) {
        contents.withLock { contents in
            defer { contents.targets = nil }
            return (contents.targets, contents.mustStop)
        }
    }
}

/// The prober's thread: when each target is checked, and what follows from the results.
private final class HealthRounds {
    /// One target between two configurations.
    private struct Watch {
        var target: HealthTarget
        var streak = CheckStreak()
        var probe: HealthProbe?
        var runsSeveralPods = false
        /// It was not asked when its turn came, because it is to be down.
        var wasSkipped = false
    }

    /// 256: all backends of a large cluster within seconds, and few descriptors.
    private static let probesMax = 256

    private let loop: EventLoop
    private let orders: ProberOrders
    private let board: HealthBoard
    private let log: Logger
    private var wheel: TimerWheel
    /// By the owner's number in the wheel.
    private var watches: [Watch?] = []
    private var probeCount = 0

    init(_ orders: ProberOrders, board: HealthBoard, log: Logger) throws(SystemError) {
        loop = try EventLoop()
        self.orders = orders
        self.board = board
        self.log = log
        wheel = TimerWheel(now: loop.now)
        orders.attach(loop.mailbox)
    }

    func run() {
        while true {
            let (targets, mustStop) = orders.take()
            if mustStop { break }
            if let targets { adopt(targets) }
            wheel.advance(to: .now())
            while let number = wheel.popDue() { begin(number) }
            loop.turn(waitingAtMost: wheel.nextVisit.map { max(.zero, $0 - .now()) })
        }
        for case let watch? in watches { watch.probe?.cancel() }
    }

    /// What is watched already keeps its number, its turn and a check that is under way: reloads
    /// that come faster than a dead backend's timeout would hide it otherwise.
    private func adopt(_ targets: [HealthTarget]) {
        var leaving: [HealthTarget.Identity: Int] = [:]
        for (number, watch) in watches.enumerated() {
            if let watch { leaving[watch.target.identity] = number }
        }
        var seen: Set<HealthTarget.Identity> = []
        var new: [HealthTarget] = []
        for target in targets where seen.insert(target.identity).inserted {
            if let number = leaving.removeValue(forKey: target.identity) {
                watches[number]?.target = target
                if watches[number]?.wasSkipped == true { wheel.arm(number, at: .now()) }
            } else {
                new.append(target)
            }
        }
        for number in leaving.values { forget(number) }
        var free = watches.indices.filter { watches[$0] == nil }
        for target in new {
            let number = free.popLast() ?? watches.count
            if number == watches.count { watches.append(nil) }
            watches[number] = Watch(target: target)
            wheel.arm(number, at: .now())
        }
    }

    private func forget(_ number: Int) {
        wheel.cancel(number)
        if let probe = watches[number]?.probe {
            probe.cancel()
            probeCount -= 1
        }
        watches[number] = nil
    }

    private func begin(_ number: Int) {
        guard let watch = watches[number] else { return }
        guard probeCount < HealthRounds.probesMax else {
            return wheel.arm(number, at: .now() + .milliseconds(10))
        }
        let target = watch.target
        wheel.arm(number, at: .now() + HealthRounds.jittered(target.check.interval))
        watches[number]?.wasSkipped = target.administrative.current == .down
        guard watch.probe == nil, target.administrative.current != .down else { return }
        do throws(SystemError) {
            watches[number]?.probe = try HealthProbe(target, loop: loop) {
                [unowned self] result, podCount in ended(number, result, podCount)
            }
            probeCount += 1
        } catch {
            // Without a descriptor or a port nothing is learned about the backend.
            guard !error.isLocal else { return }
            note(.failed(because: "\(error)"), number)
        }
    }

    /// A tenth more or less, so that many proxies do not ask one backend at the same moment.
    private static func jittered(_ interval: Duration) -> Duration {
        interval * Double.random(in: 0.9...1.1)
    }

    private func ended(_ number: Int, _ result: CheckResult?, _ podCount: Int?) {
        probeCount -= 1
        // Its own method is still running.
        if let probe = watches[number]?.probe { loop.keepUntilTurnEnd(probe) }
        watches[number]?.probe = nil
        if let result { note(result, number) }
        if let podCount { note(podCount: podCount, number) }
    }

    private func note(_ result: CheckResult, _ number: Int) {
        guard let target = watches[number]?.target else { return }
        target.cell.noteCheck(hasPassed: result == .passed)
        guard
            let state = watches[number]?.streak.note(result, target.check)
        else { return }
        board.checkFound(
            state, by: target.checker, on: target.cell,
            because: HealthRounds.reason(result))
    }

    private static func reason(_ result: CheckResult) -> String {
        switch result {
        case .passed: "its check passes"
        case .drains(let reason), .failed(let reason): reason
        }
    }

    /// Sticking to a node is sticking to a pod only where the node has one.
    private func note(podCount: Int, _ number: Int) {
        guard let watch = watches[number], watch.runsSeveralPods != (podCount > 1) else { return }
        watches[number]?.runsSeveralPods = podCount > 1
        guard podCount > 1 else { return }
        log.warning(
            """
            \(watch.target.cell.title): its node runs \(podCount) pods of the service, and a \
            client that stays with the node may meet each of them
            """)
    }
}
