/// Chooses among backends by what they have to do. All of them ask for candidates that take new
/// clients and were not tried.
struct LoadBalancers: Sendable {
    private var generator: SplitMix64
    /// The greatest warm weight that a candidate can have.
    private let heaviest: UInt32
    /// Whose sessions are counted next.
    private var counted = 0

    /// Draws by rejection before the weights are added up.
    private static var drawsMax: Int { 16 }

    init(seed: UInt64, heaviest: UInt32) {
        generator = SplitMix64(seed: seed)
        self.heaviest = heaviest
    }

    /// Cuts the count of a backend's sessions back to those that are still seen; another one for
    /// each choice, lest a request pays for all.
    mutating func recount(_ loads: [BackendLoad], at monotonicSeconds: UInt32) {
        guard !loads.isEmpty else { return }
        counted = counted + 1 < loads.count ? counted + 1 : 0
        loads[counted].recount(at: monotonicSeconds)
    }

    /// The fewest requests under way for its weight; of equals the one with the fewest sessions,
    /// then any.
    mutating func leastConnections(
        _ candidates: Span<Candidate>, _ loads: [BackendLoad], excluding tried: TriedBackends
    ) -> Int? {
        var best: (position: Int, standing: Standing)?
        var equals: UInt64 = 0
        for position in candidates.indices {
            guard isOpen(candidates[position], position, tried) else { continue }
            let standing = Standing(candidates[position], loads[position])
            let order = best.map { standing.compare(to: $0.standing) } ?? -1
            if order > 0 { continue }
            equals = order < 0 ? 1 : equals + 1
            // One of k equals is chosen with the chance 1 / k, without a list of them.
            if generator.next().multipliedFullWidth(by: equals).high == 0 {
                best = (position, standing)
            }
        }
        return best?.position
    }

    /// What a backend has to do for its weight.
    private struct Standing {
        let open: Int
        let bound: Int
        let weight: Int

        init(_ candidate: Candidate, _ load: BackendLoad) {
            (open, bound) = (load.open, load.bound)
            weight = Int(candidate.warmWeight)
        }

        /// Negative for the one that has less. Products instead of quotients: they are exact.
        func compare(to other: Standing) -> Int {
            let difference = open &* other.weight &- other.open &* weight
            return difference != 0
                ? difference : bound &* other.weight &- other.bound &* weight
        }
    }

    /// The less busy of two that are drawn by their weights.
    mutating func random(
        _ candidates: Span<Candidate>, _ loads: [BackendLoad], excluding tried: TriedBackends
    ) -> Int? {
        guard let pair = drawTwo(candidates, excluding: tried) else { return nil }
        return loads[pair.1].open < loads[pair.0].open ? pair.1 : pair.0
    }

    /// Of two that are drawn by their weights the one that answers faster, as ingress-nginx's
    /// `ewma` does. A backend that has not answered yet has the average of the two, so it is
    /// neither flooded nor avoided.
    mutating func ewma(
        _ candidates: Span<Candidate>, _ loads: [BackendLoad], at milliseconds: UInt32,
        excluding tried: TriedBackends
    ) -> Int? {
        guard let pair = drawTwo(candidates, excluding: tried) else { return nil }
        let first = loads[pair.0].latency(at: milliseconds)
        let second = loads[pair.1].latency(at: milliseconds)
        // Requests under way count as answers to come.
        let left = (first ?? second ?? 1) * Float(loads[pair.0].open + 1)
        let right = (second ?? first ?? 1) * Float(loads[pair.1].open + 1)
        return right < left ? pair.1 : pair.0
    }

    /// Two different ones where there are two.
    private mutating func drawTwo(
        _ candidates: Span<Candidate>, excluding tried: TriedBackends
    ) -> (Int, Int)? {
        guard let first = draw(candidates, excluding: tried) else { return nil }
        var others = tried
        others.insert(first)
        return (first, draw(candidates, excluding: others) ?? first)
    }

    /// By weight. A candidate is drawn from all alike and accepted as often as its weight is part of
    /// the heaviest's, which takes no look at the others; where nearly none is, they are added up.
    private mutating func draw(
        _ candidates: Span<Candidate>, excluding tried: TriedBackends
    ) -> Int? {
        for _ in 0..<Self.drawsMax {
            let (high, low) = generator.next().multipliedFullWidth(by: UInt64(candidates.count))
            let position = Int(high)
            guard position < candidates.count, isOpen(candidates[position], position, tried)
            else { continue }
            let level = low.multipliedFullWidth(by: UInt64(heaviest)).high
            if level < UInt64(candidates[position].warmWeight) { return position }
        }
        return drawFromAll(candidates, excluding: tried)
    }

    private mutating func drawFromAll(
        _ candidates: Span<Candidate>, excluding tried: TriedBackends
    ) -> Int? {
        var total: UInt64 = 0
        for position in candidates.indices where isOpen(candidates[position], position, tried) {
            total += UInt64(candidates[position].warmWeight)
        }
        guard total > 0 else { return nil }
        var rest = generator.next() % total
        for position in candidates.indices where isOpen(candidates[position], position, tried) {
            let weight = UInt64(candidates[position].warmWeight)
            if rest < weight { return position }
            rest -= weight
        }
        return nil
    }

    private func isOpen(_ candidate: Candidate, _ position: Int, _ tried: TriedBackends) -> Bool {
        candidate.takesNewClients && !tried.contains(position)
    }
}
