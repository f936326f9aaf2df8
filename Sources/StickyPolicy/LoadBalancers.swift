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
        guard var least = firstLoad(candidates, loads, excluding: tried) else { return nil }
        var equals: UInt64 = 0
        for position in candidates.indices {
            guard isOpen(candidates[position], position, tried) else { continue }
            let load = Load(candidates[position], loads[position], position)
            let order = load.compare(to: least)
            if order < 0 { (least, equals) = (load, 0) }
            if order <= 0 { equals += 1 }
        }
        // Of the equals any: none of them is drawn for along the way, which took longer.
        var rest = generator.next().multipliedFullWidth(by: equals).high
        for position in candidates.indices {
            guard isOpen(candidates[position], position, tried),
                Load(candidates[position], loads[position], position)
                    .compare(to: least) <= 0
            else { continue }
            if rest == 0 { return position }
            rest -= 1
        }
        // Another worker has changed the loads since.
        return least.position
    }

    private func firstLoad(
        _ candidates: Span<Candidate>, _ loads: [BackendLoad], excluding tried: TriedBackends
    ) -> Load? {
        for position in candidates.indices where isOpen(candidates[position], position, tried) {
            return Load(candidates[position], loads[position], position)
        }
        return nil
    }

    /// What a backend has to do for its weight.
    private struct Load {
        let open: Int
        let bound: Int
        let weight: Int
        let position: Int

        init(_ candidate: Candidate, _ load: BackendLoad, _ position: Int) {
            (open, bound) = (load.open, load.bound)
            weight = Int(candidate.warmWeight)
            self.position = position
        }

        /// Negative for the one that has less. Products instead of quotients: they are exact.
        func compare(to other: Load) -> Int {
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

    /// Of two that are drawn by their weights the one that answers faster, by the same measure as
    /// ingress-nginx's `ewma`. A backend that has not answered yet has the average of the two, so
    /// it is neither flooded nor avoided.
    ///
    /// Not always that one: then one slow answer, and the first over a new connection is always
    /// slower, would take a backend out until it is forgotten. The chances are as the squares, so
    /// of two alike each has a half, and one that takes ten times as long has a hundredth.
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
        // 24 bits are exact in a Float.
        let chance = Float(generator.next() >> 40) * 0x1p-24
        return chance * (left * left + right * right) < left * left ? pair.1 : pair.0
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

    /// By weight. A candidate is drawn from all alike and accepted as often as its weight is part
    /// of the heaviest's, which takes no look at the others; where few are, all are summed.
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
