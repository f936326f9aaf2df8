import Testing

@testable import StickyPolicy

@Suite("rendezvous hashing")
struct RendezvousHashTests {
    private func candidates(_ weights: [UInt32]) -> [Candidate] {
        weights.enumerated().map {
            Candidate(identity: stableHash("b\($0)"), weight: $1, state: .ready)
        }
    }

    private func owner(
        _ key: UInt64, _ candidates: [Candidate],
        _ eligibility: Eligibility = .home
    ) -> UInt64? {
        RendezvousHash(candidates).owner(of: key, among: candidates.span, eligibility)
            .map { candidates[$0].identity }
    }

    private func shares(_ candidates: [Candidate], keys: Int) -> [Double] {
        var generator = SplitMix64(seed: 11)
        var counts = Array(repeating: 0, count: candidates.count)
        let hash = RendezvousHash(candidates)
        for _ in 0..<keys {
            let key = generator.next()
            guard let owner = hash.owner(of: key, among: candidates.span, .home) else { continue }
            counts[owner] += 1
        }
        return counts.map { Double($0) / Double(keys) }
    }

    @Test("equal backends get equal shares", arguments: [2, 3, 10, 50])
    func even(count: Int) {
        let keys = 2000 * count
        for share in shares(candidates(Array(repeating: 1, count: count)), keys: keys) {
            // Five standard deviations of a share of 2000 keys are 11 %.
            #expect(abs(share * Double(count) - 1) < 0.12)
        }
    }

    @Test(
        "shares follow the weights",
        arguments: [[1, 2], [1, 1, 8], [100, 300, 600], [5, 0, 5], [1, .max]] as [[UInt32]])
    func weighted(weights: [UInt32]) {
        let total = weights.reduce(0.0) { $0 + Double($1) }
        for (share, weight) in zip(shares(candidates(weights), keys: 40_000), weights) {
            #expect(abs(share - Double(weight) / total) < 0.012)
        }
    }

    @Test("removing one backend moves only its own clients, and spreads them over all others")
    func disruption() {
        let before = candidates([1, 1, 1, 1, 1, 3])
        let after = Array(before.dropFirst())
        var generator = SplitMix64(seed: 5)
        var heirs: [UInt64: Int] = [:]
        for _ in 0..<24_000 {
            let key = generator.next()
            let old = owner(key, before)
            let new = owner(key, after)
            if old == before[0].identity {
                if let new { heirs[new, default: 0] += 1 }
            } else {
                #expect(new == old)
            }
        }
        #expect(heirs.count == 5)
        let moved = heirs.values.reduce(0, +)
        #expect(abs(moved - 3000) < 300)
        for backend in after {
            let share = Double(heirs[backend.identity] ?? 0) / Double(moved)
            #expect(abs(share - Double(backend.weight) / 7) < 0.04)
        }
    }

    @Test("scaling from c to n moves (n - c) / n of the keys, and only to new backends")
    func scaling() {
        let many = candidates(Array(repeating: 1, count: 15))
        let few = Array(many.prefix(5))
        let new = Set(many.dropFirst(5).map(\.identity))
        var generator = SplitMix64(seed: 6)
        var movedCount = 0
        for _ in 0..<15_000 {
            let key = generator.next()
            guard let old = owner(key, few), let now = owner(key, many), old != now else {
                continue
            }
            movedCount += 1
            #expect(new.contains(now))
        }
        #expect(abs(Double(movedCount) / 15_000 - 2.0 / 3) < 0.02)
    }

    @Test("a backend of another weight moves only the clients that it gets", arguments: [0, 2, 9])
    func unevenNewcomer(weight: UInt32) {
        let before = candidates([1, 1, 1])
        let after = candidates([1, 1, 1, weight])
        var generator = SplitMix64(seed: 12)
        for _ in 0..<5000 {
            let key = generator.next()
            let now = owner(key, after)
            #expect(now == owner(key, before) || now == after[3].identity)
        }
    }

    @Test(
        "the order of the backends plays no part",
        arguments: [[1, 1, 1, 1], [1, 2, 3, 4]] as [[UInt32]])
    func order(weights: [UInt32]) {
        let forward = candidates(weights)
        let backward = Array(forward.reversed())
        var generator = SplitMix64(seed: 8)
        for _ in 0..<5000 {
            let key = generator.next()
            #expect(owner(key, forward) == owner(key, backward))
        }
    }

    @Test("the permutation can be undone")
    func permutation() {
        var generator = SplitMix64(seed: 3)
        for word in [0, 1, UInt64.max] + (0..<1000).map({ _ in generator.next() }) {
            #expect(unmixed(mixed(word)) == word)
        }
    }

    @Test(
        "a key is made for every backend, and is at home there as the owner says",
        arguments: [[1, 1, 1], Array(repeating: 1, count: 60), [1, 2, 3, 4, 50], [3, 0, 1]]
            as [[UInt32]])
    func made(weights: [UInt32]) {
        let all = candidates(weights)
        let hash = RendezvousHash(all)
        var generator = SplitMix64(seed: 9)
        for choice in all.indices where weights[choice] > 0 {
            var found = 0
            for _ in 0..<400 {
                let key = hash.likelyKey(for: choice, random: generator.next())
                let isHome = hash.isHome(choice, of: key)
                let owner = hash.owner(of: key, among: all.span, .home)
                #expect(isHome == (owner == choice))
                if isHome { found += 1 }
            }
            // An eighth of 400 is 50; six deviations below are 10.
            #expect(found > 10)
        }
        for position in all.indices where weights[position] == 0 {
            #expect(!hash.isHome(position, of: 1))
        }
    }

    @Test("homes that are remembered are those that are computed")
    func memory() {
        var service = ServiceSelector(
            ServiceProfile(name: "s", position: 0, backends: backends(count: 20)), seed: 1)
        for round in 0..<3 {
            for key in 0..<3000 as Range<UInt64> {
                // Many keys share a place.
                let key = round == 1 ? key << 32 : key
                let home = service.home(of: key)
                #expect(home == service.owner(of: key))
            }
        }
    }

    @Test("a refuge takes new clients and was not tried")
    func refuge() {
        var all = candidates([1, 1, 1, 0])
        all[0].state = .drain
        all[1].state = .down
        for key in 0..<100 as Range<UInt64> {
            #expect(owner(key, all, .refuge(excluding: TriedBackends())) == all[2].identity)
        }
        var tried = TriedBackends()
        tried.insert(2)
        #expect(owner(1, all, .refuge(excluding: tried)) == nil)
        #expect(owner(1, []) == nil)
    }

    @Test("the logarithm is right to 14 digits, and falls")
    func logarithm() {
        let known: [(Double, Double)] = [
            (1, 0), (0.5, 0.693_147_180_559_945_3), (0.1, 2.302_585_092_994_045_7),
            (0x1p-53, 36.736_800_569_677_1), (1 - 0x1p-20, 9.5367477115389e-07),
            (0.707_106_781_186_547_5, 0.346_573_590_279_972_7),
            (0.75, 0.287_682_072_451_780_9), (0.3, 1.203_972_804_325_936),
        ]
        for (x, expected) in known {
            #expect(abs(negativeLogarithm(x) - expected) <= abs(expected) * 1e-13 + 1e-17)
        }
        var previous = Double.infinity
        for step in 1...10_000 {
            let value = negativeLogarithm(Double(step) / 10_000)
            #expect(value < previous)
            previous = value
        }
    }
}

@Suite("hashes")
struct HashTests {
    @Test("SipHash-1-3 of nothing under the key 00…0f is the reference's")
    func sipHash() {
        var hash = SipHash(key: (0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908))
        let nothing: [UInt8] = []
        hash.combine(nothing.span)
        #expect(hash.finalize() == 0xABAC_0158_050F_C4DC)
    }

    @Test("names hash to the same number in every release")
    func stable() {
        #expect(stableHash("192.168.1.10:30080") == stableHash("192.168.1.10:30080"))
        #expect(Set((0..<1000).map { stableHash("b\($0)") }).count == 1000)
        #expect(stableHash("") != stableHash("\0"))
    }
}
