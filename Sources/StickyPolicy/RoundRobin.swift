/// Smooth weighted round robin: each turn every backend earns its weight, the richest is chosen and
/// pays for all. A backend of weight 5 beside two of weight 1 has its turns spread, not in a row.
///
/// Each worker has its own turns and starts elsewhere, lest all send their first clients to one
/// backend.
public struct RoundRobin: Sendable {
    private var credits: [Int64]
    /// Where the search begins, which decides between equals.
    private let start: Int
    /// Whose turn it is where all are alike.
    private var turn: Int

    /// - Parameters:
    ///   - count: how many candidates there will be.
    ///   - offset: any number; workers have different ones.
    public init(count: Int, offset: UInt64) {
        credits = Array(repeating: 0, count: count)
        start = count == 0 ? 0 : Int(offset % UInt64(count))
        turn = start
    }

    /// The same for candidates that all take new clients and have one weight, without a look at
    /// each of them.
    mutating func pickOfAlike() -> Int? {
        guard !credits.isEmpty else { return nil }
        let position = turn
        turn = turn + 1 < credits.count ? turn + 1 : 0
        return position
    }

    /// The position of the chosen candidate: one that takes new clients and was not tried. Nil when
    /// there is none.
    public mutating func pick(
        from candidates: Span<Candidate>, excluding tried: TriedBackends
    ) -> Int? {
        precondition(candidates.count == credits.count)
        var best: Int?
        var total: Int64 = 0
        for step in 0..<credits.count {
            let wrapped = start + step
            let position = wrapped < credits.count ? wrapped : wrapped - credits.count
            guard candidates[position].takesNewClients, !tried.contains(position) else { continue }
            let weight = Int64(candidates[position].warmWeight)
            credits[position] += weight
            total += weight
            if let leader = best, credits[leader] >= credits[position] { continue }
            best = position
        }
        if let best { credits[best] -= total }
        return best
    }
}
