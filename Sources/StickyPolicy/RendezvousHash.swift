/// Weighted rendezvous hashing: every backend has a score for a key, and the best one owns it.
///
/// The owner depends on the key and on who is there, not on any order, so replicas and restarts
/// agree. When a backend leaves, only its own keys move, in proportion to weight over all the
/// others; when one comes, it takes its share from all.
enum RendezvousHash {
    /// The position of the owner of `key`, or nil when nobody is eligible.
    static func owner(
        of key: UInt64, among candidates: Span<Candidate>, _ eligibility: Eligibility
    ) -> Int? {
        guard weightsDiffer(candidates) else {
            return highest(of: key, among: candidates, eligibility)
        }
        var best: (position: Int, standing: Standing)?
        for position in candidates.indices {
            let candidate = candidates[position]
            guard eligibility.admits(candidate, at: position) else { continue }
            let standing = Standing(of: candidate, key: key)
            if let leader = best, !standing.isBetter(than: leader.standing) { continue }
            best = (position, standing)
        }
        return best?.position
    }

    /// Where all weights are equal the hash alone gives the same order as the costs.
    private static func highest(
        of key: UInt64, among candidates: Span<Candidate>, _ eligibility: Eligibility
    ) -> Int? {
        var best: Int?
        var highest: UInt64 = 0
        for position in candidates.indices {
            let hash = mixed(key ^ candidates[position].identity)
            if let leader = best {
                if hash < highest { continue }
                let isLater = candidates[position].identity >= candidates[leader].identity
                if hash == highest, isLater { continue }
            }
            guard eligibility.admits(candidates[position], at: position) else { continue }
            best = position
            highest = hash
        }
        return best
    }

    /// Whether this candidate owns the key among all with a weight, whatever their states. Nearly
    /// always an early one of the others says no, which spares the rest.
    static func isHome(_ position: Int, of key: UInt64, among candidates: Span<Candidate>) -> Bool {
        guard candidates[position].weight > 0 else { return false }
        if weightsDiffer(candidates) { return isBest(position, of: key, among: candidates) }
        let identity = candidates[position].identity
        let hash = mixed(key ^ identity)
        for other in candidates.indices {
            if other == position { continue }
            let rival = mixed(key ^ candidates[other].identity)
            if rival > hash { return false }
            if rival == hash, candidates[other].identity < identity { return false }
        }
        return true
    }

    private static func isBest(
        _ position: Int, of key: UInt64, among candidates: Span<Candidate>
    ) -> Bool {
        let standing = Standing(of: candidates[position], key: key)
        for other in candidates.indices {
            let rival = candidates[other]
            guard other != position, rival.weight > 0 else { continue }
            if Standing(of: rival, key: key).isBetter(than: standing) { return false }
        }
        return true
    }

    /// How the candidate's own hash has to be, so that it is likely to own the key: within so much
    /// of the greatest. Eight of its shares hold all but one in 3,000 of its keys.
    static func likelySpan(of position: Int, among candidates: Span<Candidate>) -> UInt64 {
        var total: UInt64 = 0
        for other in candidates.indices { total += UInt64(candidates[other].weight) }
        let share = Double(candidates[position].weight) / Double(max(total, 1))
        return share >= 0.125 ? .max : UInt64(share * 0x1p67)
    }

    /// A key under which the candidate's hash lies within `span` of the greatest, by chance.
    static func key(for candidate: Candidate, span: UInt64, random: UInt64) -> UInt64 {
        let distance = random.multipliedFullWidth(by: span).high
        return unmixed(.max - distance) ^ candidate.identity
    }

    private static func weightsDiffer(_ candidates: Span<Candidate>) -> Bool {
        for position in candidates.indices
        where candidates[position].weight != candidates[0].weight {
            return true
        }
        return false
    }
}

/// How a candidate stands for a key; the least cost wins.
private struct Standing {
    /// -ln(u) / weight for a `u` that is uniform in 0...1: the time until the first event of a
    /// process with that rate. Of several such processes each is first as often as its share of the
    /// rates, which is what makes weights come out right.
    let cost: Double
    /// `u` rises with this, so that the greater one wins, as it does among equal weights.
    let hash: UInt64
    let identity: UInt64

    init(of candidate: Candidate, key: UInt64) {
        hash = mixed(key ^ candidate.identity)
        identity = candidate.identity
        // 53 bits and one more are exact in a Double, and never 0.
        let uniform = Double((hash >> 11) + 1) * 0x1p-53
        cost = negativeLogarithm(uniform) / Double(candidate.weight)
    }

    func isBetter(than other: Standing) -> Bool {
        if cost != other.cost { return cost < other.cost }
        if hash != other.hash { return hash > other.hash }
        return identity < other.identity
    }
}

/// -ln(x) for x in 0.0<...1.0, to about 15 digits.
///
/// Made of additions, multiplications and divisions, which IEEE 754 rounds alike everywhere: the
/// logarithms of two C libraries differ in the last digit, and two replicas must not.
func negativeLogarithm(_ x: Double) -> Double {
    var exponent = Double(x.exponent)
    var fraction = x.significand
    if fraction > 1.414_213_562_373_095 {
        fraction /= 2
        exponent += 1
    }
    // ln((1 + t) / (1 - t)) = 2 (t + t³/3 + t⁵/5 + …), and t² is at most 0.0295 here.
    let t = (fraction - 1) / (fraction + 1)
    let square = t * t
    var series = 0.0
    for divisor in stride(from: 19.0, through: 1.0, by: -2.0) {
        series = series * square + 1 / divisor
    }
    return -(exponent * 0.693_147_180_559_945_3 + 2 * t * series)
}
