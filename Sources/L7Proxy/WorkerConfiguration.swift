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
    /// By service, backend and source address.
    private let pools: [[[UpstreamPool]]]
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
        self.pools = pools
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
            for (backend, ofBackend) in pools[position].enumerated()
            where service.isKept(backend) {
                for pool in ofBackend {
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
        let affinity = plan.affinity.route(of: selection)
        noteUse(of: selection, by: affinity)
        var choice = Choice(
            plan: RoutePlan(affinity: affinity, retry: plan.retry), selection: selection,
            client: client, pool: pool(for: selection, of: affinity, client: client))
        choice.enter(load(for: selection, of: affinity))
        return choice
    }

    private func noteUse(of selection: Selection, by affinity: RouteAffinity) {
        let service = affinity.service
        if let change = health.requestGoes(to: selection.backend, ofService: service) {
            apply(change)
        }
    }

    /// Where a request goes after no connection could be made to where it was going.
    func successor(of failed: Choice) -> Choice? {
        var tried = failed.tried
        tried.insert(failed.selection.backend)
        guard !tried.isFull,
            let selection = selector.successor(
                of: failed.selection, for: failed.affinity, excluding: tried, from: failed.client)
        else { return nil }
        noteUse(of: selection, by: failed.affinity)
        var choice = failed
        choice.tried = tried
        choice.announcesMove = selection.wasMoved && !failed.selection.wasMoved
        choice.selection = selection
        choice.pool = pool(for: selection, of: failed.affinity, client: failed.client)
        choice.enter(load(for: selection, of: failed.affinity))
        return choice
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
        health.requestFailed(
            at: choice.selection.backend, ofService: choice.service, now: now,
            because: reason)
    }

    /// A backend has answered.
    func requestSucceeded(at backend: Int, ofService service: Int) {
        health.requestSucceeded(at: backend, ofService: service)
    }

    /// Shows a response to a route that learns its sessions from them.
    func learn(from head: ResponseHead, in bytes: Span<UInt8>, of choice: inout Choice) {
        selector.learn(
            from: head, in: bytes, of: &choice.selection, for: (choice.affinity, choice.client))
    }

    private func load(for selection: Selection, of affinity: RouteAffinity) -> BackendLoad {
        snapshot.services[affinity.service].backends[selection.backend].load
    }

    /// The same client always comes from the same source address, so that an affinity behind the
    /// backend's address (kube-proxy's ClientIP) can tell our clients apart.
    private func pool(
        for selection: Selection, of affinity: RouteAffinity, client: ClientFacts
    ) -> UpstreamPool {
        let bySource = pools[affinity.service][selection.backend]
        guard bySource.count > 1 else { return bySource[0] }
        let key = selection.clientKey != 0 ? selection.clientKey : client.address.stableHash
        return bySource[Int(key % UInt64(bySource.count))]
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

/// The backend chosen for one exchange, and why.
struct Choice {
    /// That of the route, or of its canary where that serves the request.
    let affinity: RouteAffinity
    let retry: RetryRule
    var selection: Selection
    let client: ClientFacts
    var pool: UpstreamPool
    /// Backends that could not be reached for this request.
    var tried = TriedBackends()
    /// The backend is to hear that this session lived elsewhere, and its head does not say so yet.
    var announcesMove = false
    /// The client's connection is TLS, by our own or a trusted peer's account.
    var isSecure = false
    /// When the backend was chosen.
    var chosenAt: MonotonicTime?
    private var hold: SessionHold?
    /// Counts this exchange as long as the backend has it to do.
    private(set) var load: BackendLoad?
    private var isTunnel = false

    init(plan: RoutePlan, selection: Selection, client: ClientFacts, pool: UpstreamPool) {
        affinity = plan.affinity
        retry = plan.retry
        self.selection = selection
        self.client = client
        self.pool = pool
    }

    /// Position of the service that the backend is of.
    var service: Int { affinity.service }

    /// Writes the affinity cookie, if this response is to set one.
    func writeCookie(at unixSeconds: Int64, into writer: inout ByteWriter) {
        guard selection.setsCookie else { return }
        affinity.appendSetCookie(
            for: selection, isSecure: isSecure, at: unixSeconds, to: &writer)
    }

    /// The exchange is the backend's now, and no longer that of the one before.
    mutating func enter(_ load: BackendLoad) {
        self.load?.leave()
        load.enter()
        self.load = load
    }

    /// An open tunnel keeps its session however long it lasts.
    mutating func openTunnel() {
        guard !isTunnel else { return }
        isTunnel = true
        load?.tunnelOpened()
        hold = affinity.hold(selection, for: client)
    }

    /// The exchange, or the tunnel, is over: the session's idle time begins. To be called once.
    mutating func end(monotonicSeconds: UInt32) {
        hold?.release(monotonicSeconds: monotonicSeconds)
        hold = nil
        if isTunnel { load?.tunnelClosed() }
        load?.leave()
        load = nil
    }
}

extension BackendLoad {
    /// A backend that was chosen at `begun` has answered.
    func answered(since begun: MonotonicTime, at now: MonotonicTime) {
        let microseconds = (now.nanoseconds &- begun.nanoseconds) / 1_000
        answered(
            afterMicroseconds: UInt32(clamping: microseconds),
            at: UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000))
    }
}
