/// One worker's view of one service: the states of its backends, the turns of the balancer, and the
/// questions that every kind of affinity asks.
struct ServiceSelector: Sendable {
    private(set) var candidates: [Candidate]
    private let index: IdentityIndex
    private var balancer: any Balancer
    private var generator: SplitMix64

    /// Keys that are drawn for a new client before any owner will do that takes new clients.
    private static var drawsMax: Int { 64 }
    /// Keys that are drawn in all. When 99 of 100 backends drain, 1000 draws fail once in 20,000.
    private static var drawsInNeedMax: Int { 1000 }

    init(_ service: ServiceProfile, seed: UInt64) {
        candidates = service.backends.map {
            Candidate(identity: $0.identity, weight: $0.weight, state: $0.state)
        }
        index = IdentityIndex(candidates.map(\.identity))
        generator = SplitMix64(seed: seed)
        // The balancers that know the load of backends take the same place.
        balancer = RoundRobin(count: candidates.count, offset: generator.next())
    }

    mutating func setState(of backend: Int, to state: BackendState) {
        candidates[backend].state = state
    }

    func position(of identity: UInt64) -> Int? {
        index.position(of: identity)
    }

    /// Whether a client that belongs to this backend may go there.
    func keepsClients(_ backend: Int) -> Bool {
        candidates[backend].keepsClients
    }

    /// A backend for a client that belongs nowhere.
    mutating func pick(excluding tried: TriedBackends = TriedBackends()) -> Int? {
        let candidates = candidates
        return balancer.pick(from: candidates.span, excluding: tried)
    }

    /// Where a key belongs among all backends, whatever their states.
    func home(of key: UInt64) -> Int? {
        RendezvousHash.owner(of: key, among: candidates.span, .home)
    }

    /// Where a client goes that cannot go where it belongs: the same for every worker and replica
    /// that sees the same states, so that parallel requests agree.
    func successor(of key: UInt64, excluding tried: TriedBackends = TriedBackends()) -> Int? {
        RendezvousHash.owner(of: key, among: candidates.span, .refuge(excluding: tried))
    }

    mutating func newKey() -> UInt64 {
        generator.next()
    }

    /// A key whose home is `choice`, or after many draws a backend that takes new clients, too.
    ///
    /// The home has to count the draining and failed backends in, since it will when the client
    /// comes back; a new client must not land on one of them then.
    mutating func newKey(
        for choice: Int, excluding tried: TriedBackends
    ) -> (key: UInt64, backend: Int) {
        for draw in 0..<Self.drawsInNeedMax {
            let key = newKey()
            guard let home = home(of: key) else { break }
            if home == choice { return (key, home) }
            guard draw >= Self.drawsMax - 1 else { continue }
            if candidates[home].takesNewClients, !tried.contains(home) { return (key, home) }
        }
        return (newKey(), choice)
    }
}
