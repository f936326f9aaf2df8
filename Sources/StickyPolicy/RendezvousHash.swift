/// Weighted rendezvous hashing: every backend has a score for a key, and the best one owns it.
///
/// The owner depends on the key and on who is there, not on any order, so replicas and restarts
/// agree. When a backend leaves, only its own keys move, in proportion to weight over all the
/// others; when one comes, it takes its share from all.
struct RendezvousHash: Sendable {
    private let identities: [UInt64]
    /// Of all the same; nil where they differ.
    private let commonWeight: UInt32?
    private let weights: [UInt32]
    private let totalWeight: UInt64

    init(_ candidates: [Candidate]) {
        identities = candidates.map(\.identity)
        weights = candidates.map(\.weight)
        commonWeight = weights.allSatisfy { [weights] in $0 == weights[0] } ? weights.first : nil
        totalWeight = weights.reduce(0) { $0 &+ UInt64($1) }
    }

    /// The position of the owner of `key`, or nil when nobody is eligible.
    func owner(
        of key: UInt64, among candidates: Span<Candidate>, _ eligibility: Eligibility
    ) -> Int? {
        if commonWeight != nil { return highest(of: key, among: candidates, eligibility) }
        var best: (position: Int, standing: Standing)?
        for position in candidates.indices
        where eligibility.admits(candidates[position], at: position) {
            let standing = standing(of: position, key: key)
            if let leader = best, !standing.isBetter(than: leader.standing) { continue }
            best = (position, standing)
        }
        return best?.position
    }

    /// Where all weights are equal the hash alone gives the same order as the costs.
    private func highest(
        of key: UInt64, among candidates: Span<Candidate>, _ eligibility: Eligibility
    ) -> Int? {
        var best: Int?
        var highest: UInt64 = 0
        for position in identities.indices {
            let hash = mixed(key ^ identities[position])
            if hash < highest { continue }
            if let best, hash == highest, identities[position] >= identities[best] { continue }
            guard eligibility.admits(candidates[position], at: position) else { continue }
            best = position
            highest = hash
        }
        return best
    }

    /// Whether this one owns the key among all with a weight, whatever their states. Nearly always
    /// an early one of the others says no, which spares the rest.
    func isHome(_ position: Int, of key: UInt64) -> Bool {
        guard weights[position] > 0 else { return false }
        guard commonWeight != nil else {
            let standing = standing(of: position, key: key)
            return weights.indices.allSatisfy { other in
                other == position || weights[other] == 0
                    || !self.standing(of: other, key: key).isBetter(than: standing)
            }
        }
        let hash = mixed(key ^ identities[position])
        for other in identities.indices {
            let rival = mixed(key ^ identities[other])
            if rival < hash || other == position { continue }
            if rival > hash || identities[other] < identities[position] { return false }
        }
        return true
    }

    private func standing(of position: Int, key: UInt64) -> Standing {
        Standing(identity: identities[position], weight: weights[position], key: key)
    }

    /// A key that is likely to be at home here, by chance: its hash lies so near the greatest as
    /// all but one in 3,000 of the keys do that are, which is within eight shares of it. Every
    /// eighth of these is at home, and none that is is likelier than another.
    func likelyKey(for position: Int, random: UInt64) -> UInt64 {
        let share = Double(weights[position]) / Double(max(totalWeight, 1))
        let span = share >= 0.125 ? .max : UInt64(share * 0x1p67)
        let distance = random.multipliedFullWidth(by: span).high
        return unmixed(.max - distance) ^ identities[position]
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

    init(identity: UInt64, weight: UInt32, key: UInt64) {
        hash = mixed(key ^ identity)
        self.identity = identity
        // 53 bits and one more are exact in a Double, and never 0.
        let uniform = Double((hash >> 11) + 1) * 0x1p-53
        cost = negativeLogarithm(uniform) / Double(weight)
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
