/// Chooses among backends by what they have to do. All of them ask for candidates that take new
/// clients and were not tried.
struct LoadBalancers: Sendable {
    private var generator: SplitMix64

    init(seed: UInt64) {
        generator = SplitMix64(seed: seed)
    }

    /// The fewest requests under way for its weight; of equals the one with the fewest sessions,
    /// then any.
    mutating func leastConnections(
        _ candidates: Span<Candidate>, _ loads: [BackendLoad], excluding tried: TriedBackends
    ) -> Int? {
        var best: Int?
        var equals: UInt64 = 0
        for position in candidates.indices where isOpen(candidates[position], position, tried) {
            guard let leader = best else {
                best = position
                equals = 1
                continue
            }
            switch compare(position, leader, candidates, loads) {
            case ..<0:
                best = position
                equals = 1
            case 0:
                // One of k equals is chosen with the chance 1 / k, without a list of them.
                equals += 1
                if generator.next() % equals == 0 { best = position }
            default: break
            }
        }
        return best
    }

    /// Negative when the first has less to do. Products instead of quotients: they are exact.
    private func compare(
        _ left: Int, _ right: Int, _ candidates: Span<Candidate>, _ loads: [BackendLoad]
    ) -> Int {
        let (leftWeight, rightWeight) = (
            Int(candidates[left].warmWeight), Int(candidates[right].warmWeight)
        )
        let open = loads[left].open &* rightWeight &- loads[right].open &* leftWeight
        return open != 0
            ? open : loads[left].bound &* rightWeight &- loads[right].bound &* leftWeight
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

    private mutating func draw(
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
