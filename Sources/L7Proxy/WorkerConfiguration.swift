import HTTPParser
import ProxyConfig
import ProxyCore
import StickyPolicy
import Transport

/// One worker's side of a configuration: the shared snapshot, and beside it what changes from
/// request to request and is never shared: the balancers' turns and the pools.
final class WorkerConfiguration {
    let snapshot: ConfigSnapshot
    private var selector: BackendSelector
    private let health: HealthView
    /// By service and backend.
    private let targets: [[BackendTarget]]
    /// Of exchanges that are over.
    private var spareChoices: [Choice] = []
    /// Nanoseconds by `Wait`.
    private let timeouts: [UInt64]
    let limits: Limits
    /// Some backend has a `maxConnections`.
    let hasBackendLimits: Bool
    /// TLS handshakes of clients under way at once on this worker; 0 for no bound.
    let handshakesMax: Int
    private let listeners: [ListenerAddress: TLSListener]
    let counters: RouteCounterTable

    /// - Parameters:
    ///   - pools: by service, backend and source address.
    ///   - counters: of its routes.
    ///   - seed: another for each worker, so that they do not all begin with the same backend.
    init(
        _ snapshot: ConfigSnapshot, pools: [[[UpstreamPool]]], counters: RouteCounterTable,
        seed: UInt64
    ) {
        self.snapshot = snapshot
        self.counters = counters
        targets = snapshot.services.enumerated().map { position, service in
            let health = snapshot.health[position]
            return service.backends.enumerated().map { backend, profile in
                BackendTarget(
                    pools[position][backend], load: profile.load, health: health.cells[backend],
                    health.rule)
            }
        }
        selector = BackendSelector(services: snapshot.services, seed: seed)
        hasBackendLimits = snapshot.health.contains { $0.connectionsMax.contains { $0 > 0 } }
        health = HealthView(snapshot.health, board: snapshot.healthBoard)
        limits = snapshot.configuration.limits
        handshakesMax = WorkerConfiguration.share(of: limits.handshakes, snapshot.configuration)
        listeners = Dictionary(
            uniqueKeysWithValues: snapshot.configuration.listenerTLS.keys.compactMap { address in
                snapshot.listenerTLS(at: address).map { (address, $0) }
            })
        let timeouts = snapshot.configuration.timeouts
        self.timeouts = Wait.allCases.map { timeouts[$0].wholeNanoseconds }
        let look = timeouts[.connect].wholeNanoseconds
        let whole = timeouts[.backendRead].wholeNanoseconds
        waitBehindLook = look > 0 && look < whole ? whole - look : nil
    }

    /// The kernel spreads connections evenly, so a bound is shared out and nothing is counted
    /// together.
    private static func share(of limit: Int, _ configuration: Configuration) -> Int {
        guard limit > 0 else { return 0 }
        switch configuration.workers {
        case .automatic: return max(1, limit / Processors.usableCount())
        case .exactly(let count): return max(1, limit / count)
        }
    }

    /// What a listener does with TLS; nil for one that speaks in the clear.
    func listenerTLS(at address: ListenerAddress) -> TLSListener? { listeners[address] }

    var requestParser: RequestParser { snapshot.requestParser }
    var responseParser: ResponseParser { snapshot.responseParser }
    var resolver: ClientAddressResolver { snapshot.resolver }

    func deadline(for wait: Wait, from now: MonotonicTime) -> MonotonicTime {
        now.advanced(byNanoseconds: timeouts[Int(wait.rawValue)])
    }

    /// How many nanoseconds of `backendRead` are left after the time of a handshake; nil where that
    /// is the longer one, or for ever.
    let waitBehindLook: UInt64?

    /// Takes in what has become known about backends. To be called before a choice.
    func noteHealth(at now: MonotonicTime) {
        guard health.isStale(at: now) else { return }
        for change in health.refresh(at: now) { apply(change) }
    }

    /// Where tunnels may stay that would not outlive their backend: at all backends that do not
    /// drain.
    var tunnelHomes: Set<TunnelHome> {
        var homes: Set<TunnelHome> = []
        for (position, service) in snapshot.health.enumerated() {
            for (backend, target) in targets[position].enumerated()
            where service.isKept(backend) {
                for pool in target.pools {
                    homes.insert(TunnelHome(service: service.name, address: pool.address))
                }
            }
        }
        return homes
    }

    private func apply(_ change: HealthView.Change) {
        selector.setState(
            of: change.backend, inService: change.service, to: change.state)
    }

    /// Where a request goes; nil when no backend of its service may serve it.
    func choose(
        _ plan: RoutePlan, _ head: RequestHead, in bytes: Span<UInt8>,
        from client: ClientFacts
    ) -> Choice? {
        guard
            let selection = selector.select(
                for: plan.affinity, head: head, in: bytes, from: client)
        else { return nil }
        guard selection.isCanary else { return choice(plan, selection, from: client) }
        let canary = RoutePlan(affinity: plan.affinity.route(of: selection), retry: plan.retry)
        return choice(canary, selection, from: client)
    }

    private func choice(
        _ plan: RoutePlan, _ selection: Selection, from client: ClientFacts
    ) -> Choice {
        noteUse(of: selection, by: plan.affinity)
        let target = targets[plan.affinity.service][selection.backend]
        guard let spare = spareChoices.popLast() else {
            return Choice(plan, from: client, at: target, selection)
        }
        spare.begin(plan, from: client, at: target, selection)
        return spare
    }

    /// 512: 150 KB, and more exchanges than nearly all workers have at one time.
    private static let spareChoicesMax = 512

    /// Takes back the choice of an exchange that is over, which nobody holds any more.
    func giveBack(_ choice: Choice) {
        if spareChoices.count < Self.spareChoicesMax { spareChoices.append(choice) }
    }

    private func noteUse(of selection: Selection, by affinity: RouteAffinity) {
        let service = affinity.service
        if let change = health.requestGoes(to: selection.backend, ofService: service) {
            apply(change)
        }
    }

    /// Turns a request to another backend after it has come to nothing where it was going. False,
    /// and it stays where it is, when there is no other.
    func turnToSuccessor(_ choice: Choice) -> Bool {
        guard choice.noteTried(),
            let selection = selector.successor(
                of: choice.selection, for: choice.affinity, excluding: choice.tried,
                from: choice.client)
        else { return false }
        noteUse(of: selection, by: choice.affinity)
        choice.turn(to: targets[choice.service][selection.backend], selection)
        return true
    }

    /// The place that a request needs at the chosen backend; nil where their number is unbounded.
    func place(for choice: Choice) -> BackendPlace? {
        guard hasBackendLimits else { return nil }
        let service = snapshot.health[choice.service]
        let limit = service.connectionsMax[choice.selection.backend]
        guard limit > 0 else { return nil }
        return BackendPlace(load: service.cells[choice.selection.backend].load, limit: limit)
    }

    /// Lets a request wait for a place, and answers until when; nil where it may not.
    func enterQueue(_ choice: Choice, at now: MonotonicTime) -> QueueTicket? {
        let service = snapshot.health[choice.service]
        guard let waiting = service.waiting, waiting.enter(limit: service.queue.length) else {
            return nil
        }
        return QueueTicket(waiting: waiting, end: now + service.queue.timeout)
    }

    /// A request to the chosen backend failed for a reason that is the backend's.
    func requestFailed(_ choice: Choice, at now: MonotonicTime, because reason: StaticString) {
        health.requestFailed(at: choice.target, now: now, because: reason)
    }

    /// A backend has answered.
    func requestSucceeded(_ choice: Choice) {
        health.requestSucceeded(choice)
    }

    /// Shows a response to a route that learns its sessions from them.
    func learn(from head: ResponseHead, in bytes: Span<UInt8>, of choice: Choice) {
        selector.learn(
            from: head, in: bytes, of: &choice.selection, for: (choice.affinity, choice.client))
    }
}

/// The right to wait for a place at a backend.
struct QueueTicket {
    fileprivate let waiting: BoundedCount
    let end: MonotonicTime

    /// To be called once.
    func giveBack() {
        waiting.leave()
    }
}
