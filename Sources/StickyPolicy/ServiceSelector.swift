/// One worker's view of one service: the states of its backends, the turns of the balancers, and
/// the questions that every kind of affinity asks.
struct ServiceSelector: Sendable {
    private(set) var candidates: [Candidate]
    let loads: [BackendLoad]
    private let index: IdentityIndex
    private let hash: RendezvousHash
    /// Keys of rendezvous hashing that were drawn for others, and those of a ring.
    private var spareKeys: SpareKeys
    private var spareRingKeys: SpareKeys
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
    /// Keys that are drawn for whomever they belong to, where the choice has none to spare.
    private static var drawsForAll: Int { 8 }
    /// Keys that are drawn after those. When 99 of 100 backends drain, 1000 draws fail once in
    /// 20,000.
    private static var drawsInNeedMax: Int { 1000 }

    init(_ service: ServiceProfile, seed: UInt64) {
        candidates = service.backends.map {
            Candidate(identity: $0.identity, weight: $0.weight, state: $0.state)
        }
        loads = service.backends.map(\.load)
        index = IdentityIndex(candidates.map(\.identity))
        hash = RendezvousHash(candidates)
        spareKeys = SpareKeys(backendCount: candidates.count)
        spareRingKeys = SpareKeys(backendCount: candidates.count)
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
        owner(of: key, .home)
    }

    func owner(of key: UInt64, _ eligibility: Eligibility) -> Int? {
        hash.owner(of: key, among: candidates.span, eligibility)
    }

    /// Where a client goes that cannot go where it belongs: the same for every worker and replica
    /// that sees the same states, so that parallel requests agree.
    func successor(of key: UInt64, excluding tried: TriedBackends = TriedBackends()) -> Int? {
        owner(of: key, .refuge(excluding: tried))
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

    /// A key of rendezvous hashing whose home is `choice`, or after many draws a backend that takes
    /// new clients, too.
    ///
    /// Any key is of use to one of the backends, and one that comes too early is kept for it: where
    /// new clients are spread evenly, most of them find theirs drawn already.
    mutating func drawKey(
        for choice: Int, excluding tried: TriedBackends
    ) -> (key: UInt64, backend: Int) {
        if let key = spareKeys.take(of: choice) { return (key, choice) }
        for _ in 0..<Self.drawsForAll {
            let key = generator.next()
            guard let home = owner(of: key) else { return (key, choice) }
            if home == choice { return (key, choice) }
            spareKeys.keep(key, of: home)
        }
        for _ in 0..<Self.drawsMax {
            let key = hash.likelyKey(for: choice, random: generator.next())
            if hash.isHome(choice, of: key) { return (key, choice) }
        }
        let selector = self
        return drawKey(for: choice, excluding: tried) { ($0, selector.owner(of: $0)) }
    }

    /// The same for keys of a ring, of which none can be made that is likely to be at home.
    ///
    /// - Parameter make: a key of this chance, and its home.
    mutating func drawRingKey(
        for choice: Int, excluding tried: TriedBackends,
        _ make: (UInt64) -> (key: UInt64, home: Int?)
    ) -> (key: UInt64, backend: Int) {
        if let key = spareRingKeys.take(of: choice) { return (key, choice) }
        for _ in 0..<Self.drawsMax {
            let (key, home) = make(generator.next())
            guard let home else { return (key, choice) }
            if home == choice { return (key, choice) }
            spareRingKeys.keep(key, of: home)
        }
        return drawKey(for: choice, excluding: tried, make)
    }

    /// The home has to count the draining and failed backends in, since it will when the client
    /// comes back; a new client must not land on one of them then.
    private mutating func drawKey(
        for choice: Int, excluding tried: TriedBackends,
        _ make: (UInt64) -> (key: UInt64, home: Int?)
    ) -> (key: UInt64, backend: Int) {
        for _ in 0..<Self.drawsInNeedMax {
            let (key, owner) = make(generator.next())
            guard let home = owner else { break }
            if home == choice { return (key, home) }
            if candidates[home].takesNewClients, !tried.contains(home) { return (key, home) }
        }
        return (make(generator.next()).key, choice)
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
