/// One worker's view of one service: the states of its backends, the turns of the balancers, and
/// the questions that every kind of affinity asks.
struct ServiceSelector: Sendable {
    private(set) var candidates: [Candidate]
    let loads: [BackendLoad]
    private let index: IdentityIndex
    private var roundRobin: RoundRobin
    private var balancers: LoadBalancers
    private var generator: SplitMix64
    private var timing: BackendTiming
    private var homes: HomeMemory
    /// Nil: not looked at since the last change.
    private var alike: Bool?
    private let balance: BalanceKind
    /// Of the request at hand.
    private var request = RequestTraits()

    /// What a request is like, as far as it matters for the choice of a backend.
    struct RequestTraits {
        var monotonicSeconds: UInt32 = 0
        /// It may be repeated elsewhere, so a session whose backend drains may move with it.
        var isIdempotent = true
        /// Nil: as the service says.
        var balance: BalanceKind?
    }

    /// Keys that are drawn for a new client before any owner will do that takes new clients.
    private static var drawsMax: Int { 64 }
    /// Keys that are drawn in all. When 99 of 100 backends drain, 1000 draws fail once in 20,000.
    private static var drawsInNeedMax: Int { 1000 }

    init(_ service: ServiceProfile, seed: UInt64) {
        candidates = service.backends.map {
            Candidate(identity: $0.identity, weight: $0.weight, state: $0.state)
        }
        loads = service.backends.map(\.load)
        index = IdentityIndex(candidates.map(\.identity))
        generator = SplitMix64(seed: seed)
        roundRobin = RoundRobin(count: candidates.count, offset: generator.next())
        balancers = LoadBalancers(
            seed: generator.next(), heaviest: candidates.map(\.warmWeight).max() ?? 0)
        homes = HomeMemory(backendCount: candidates.count)
        timing = BackendTiming(service)
        balance = service.balance
    }

    mutating func setState(of backend: Int, to state: BackendState) {
        candidates[backend].state = state
        alike = nil
        timing.restart()
    }

    /// Another request begins.
    mutating func begin(_ request: RequestTraits) {
        self.request = request
        if timing.isDue(at: request.monotonicSeconds) {
            timing.update(&candidates, loads, at: request.monotonicSeconds)
            alike = nil
        }
    }

    func position(of identity: UInt64) -> Int? {
        index.position(of: identity)
    }

    /// Whether a client that belongs to this backend may go there with the request at hand.
    func keepsClients(_ backend: Int) -> Bool {
        candidates[backend].keepsClients(isIdempotent: request.isIdempotent)
    }

    /// Why a client cannot stay at its backend; nil stands for one that is gone.
    func reasonToMove(from home: Int?) -> AffinityReason {
        guard let home else { return .lost }
        return candidates[home].state == .drain ? .drain : .down
    }

    /// A backend for a client that belongs nowhere.
    mutating func pick(excluding tried: TriedBackends = TriedBackends()) -> Int? {
        let candidates = candidates
        switch request.balance ?? balance {
        case .roundRobin:
            if tried.count == 0, allAreAlike() { return roundRobin.pickOfAlike() }
            return roundRobin.pick(from: candidates.span, excluding: tried)
        case .leastConnections:
            balancers.recount(loads, at: request.monotonicSeconds)
            return balancers.leastConnections(candidates.span, loads, excluding: tried)
        case .ewma:
            return balancers.ewma(
                candidates.span, loads, at: request.monotonicSeconds &* 1000, excluding: tried)
        case .random: return balancers.random(candidates.span, loads, excluding: tried)
        }
    }

    /// Whether all take new clients and have one weight, looked at once for each change.
    private mutating func allAreAlike() -> Bool {
        if let alike { return alike }
        let weight = candidates.first?.warmWeight
        let answer = candidates.allSatisfy { $0.takesNewClients && $0.warmWeight == weight }
        alike = answer
        return answer
    }

    /// Where a key belongs among all backends, whatever their states.
    mutating func home(of key: UInt64) -> Int? {
        if let known = homes.home(of: key) { return known }
        let home = owner(of: key)
        if let home { homes.remember(home, of: key) }
        return home
    }

    /// The same without a memory.
    func owner(of key: UInt64) -> Int? {
        RendezvousHash.owner(of: key, among: candidates.span, .home)
    }

    /// Where a client goes that cannot go where it belongs: the same for every worker and replica
    /// that sees the same states, so that parallel requests agree.
    func successor(of key: UInt64, excluding tried: TriedBackends = TriedBackends()) -> Int? {
        RendezvousHash.owner(of: key, among: candidates.span, .refuge(excluding: tried))
    }

    /// Where a request goes whose backend could not be reached; nil when there is nowhere, or its
    /// session may not move. Only a session that was bound before counts as moved.
    func successor(
        of failed: Selection, excluding tried: TriedBackends, onLost: AffinitySettings.OnLost
    ) -> Selection? {
        let wasBound = failed.reason == .hit
        if wasBound, onLost == .error { return nil }
        guard let next = successor(of: failed.clientKey, excluding: tried) else { return nil }
        var selection = failed
        selection.backend = next
        if wasBound {
            selection.reason = .down
            selection.wasMoved = true
        }
        return selection
    }

    /// Marks the backends that have more to do than their share of all that is under way, times
    /// `percent`.
    mutating func markOverloaded(beyond percent: UInt32) {
        var (total, weights) = (1, 0)
        for position in candidates.indices where candidates[position].takesNewClients {
            total &+= max(loads[position].open, 0)
            weights &+= Int(candidates[position].weight)
        }
        for position in candidates.indices {
            let share = total &* Int(candidates[position].weight) &* Int(percent)
            // One more must not exceed the share, rounded up.
            candidates[position].isOverloaded =
                max(loads[position].open, 0) &* weights &* 100 >= share
        }
    }

    mutating func random() -> UInt64 {
        generator.next()
    }

    /// As the other `drawKey`, for keys of rendezvous hashing.
    ///
    /// Of all keys only every hundredth belongs to one of a hundred backends, so keys are made of
    /// hashes that are high enough for it to own: every eighth of those does, and no key that does
    /// is likelier than another.
    mutating func drawKey(
        for choice: Int, excluding tried: TriedBackends
    ) -> (key: UInt64, backend: Int) {
        let span = RendezvousHash.likelySpan(of: choice, among: candidates.span)
        for _ in 0..<Self.drawsMax {
            let key = RendezvousHash.key(
                for: candidates[choice], span: span, random: generator.next())
            if RendezvousHash.isHome(choice, of: key, among: candidates.span) {
                return (key, choice)
            }
        }
        return drawKey(for: choice, excluding: tried) { random, candidates in
            (random, RendezvousHash.owner(of: random, among: candidates, .home))
        }
    }

    /// A key whose home is `choice`, or after many draws a backend that takes new clients, too.
    ///
    /// The home has to count the draining and failed backends in, since it will when the client
    /// comes back; a new client must not land on one of them then.
    ///
    /// - Parameter make: a key of this chance, and its home.
    mutating func drawKey(
        for choice: Int, excluding tried: TriedBackends,
        _ make: (UInt64, Span<Candidate>) -> (key: UInt64, home: Int?)
    ) -> (key: UInt64, backend: Int) {
        for draw in 0..<Self.drawsInNeedMax {
            let (key, owner) = make(generator.next(), candidates.span)
            guard let home = owner else { break }
            if home == choice { return (key, home) }
            guard draw >= Self.drawsMax - 1 else { continue }
            if candidates[home].takesNewClients, !tried.contains(home) { return (key, home) }
        }
        return (make(generator.next(), candidates.span).key, choice)
    }

    /// Counts a request, and the session it is of, where it went.
    // Mutating for the sake of its caller: an element of an array is then used in place and not
    // copied.
    mutating func note(_ selection: Selection) {
        guard selection.kind != .none else { return }
        let load = loads[selection.backend]
        load.note(selection.clientKey, at: request.monotonicSeconds)
        if selection.reason != .hit { load.bind() }
    }
}
