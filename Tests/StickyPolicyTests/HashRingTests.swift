import Testing

@testable import StickyPolicy

@Suite("the ring of ingress-nginx")
struct HashRingTests {
    private func ring(_ count: Int) -> HashRing {
        HashRing((1...count).map { ("10.0.0.\($0):8080", 1) })
    }

    private func candidates(_ count: Int) -> [Candidate] {
        (0..<count).map { Candidate(identity: UInt64($0), weight: 1, state: .ready) }
    }

    private func hash(_ key: String) -> UInt32 {
        var crc = CRC32()
        crc.combine(Array(key.utf8))
        return crc.value
    }

    @Test(
        "keys have the owners that they have there",
        arguments: [
            ("garbage", 1), ("abc", 3), ("/index.html", 1), ("203.0.113.7", 1),
            ("1700000000.123.27.482913", 2), ("", 1),
        ])
    func vectors(key: String, node: Int) {
        #expect(ring(3).node(of: hash(key)) == node - 1)
    }

    @Test("without its owner a key has the owner of a ring without it")
    func removed() {
        var all = candidates(3)
        all[1].state = .down
        let key = hash("1700000000.123.27.482913")
        let refuge = Eligibility.refuge(excluding: TriedBackends())
        #expect(ring(3).owner(of: key, among: all.span, refuge) == 0)
        let smaller = HashRing([("10.0.0.1:8080", 1), ("10.0.0.3:8080", 1)])
        for number in 0..<2000 {
            let key = hash("key-\(number)")
            let owner = ring(3).owner(of: key, among: all.span, refuge)
            #expect(owner == [0, 2][smaller.node(of: key) ?? 0])
        }
    }

    @Test(
        "growing moves keys only to new nodes, and as many as upstream",
        arguments: [(2, 3, 0.33), (3, 4, 0.26), (5, 6, 0.17), (5, 15, 0.66)])
    func disruption(before: Int, after: Int, share: Double) {
        let (small, large) = (ring(before), ring(after))
        var moved = 0
        for number in 0..<20_000 {
            let key = hash("key-\(number)")
            let (old, new) = (small.node(of: key) ?? -1, large.node(of: key) ?? -1)
            guard old != new else { continue }
            #expect(new >= before)
            moved += 1
        }
        #expect(abs(Double(moved) / 20_000 - share) < 0.02)
    }

    @Test("weights multiply points, a weight of 0 has none, and an empty ring nobody")
    func weights() {
        let ring = HashRing([("a:1", 20), ("b:1", 10), ("c:1", 0)])
        var counts = [0, 0, 0]
        for number in 0..<10_000 { counts[ring.node(of: hash("k\(number)")) ?? 2] += 1 }
        #expect(counts[2] == 0 && counts[0] > counts[1])
        #expect(HashRing([]).node(of: 1) == nil)
        let nobody: [Candidate] = []
        #expect(HashRing([]).owner(of: 1, among: nobody.span, .home) == nil)
    }

    @Test("huge weights do not make a huge ring")
    func hugeWeights() {
        let ring = HashRing([("a:1", 1_000_003), ("b:1", 1)])
        var counts = [0, 0]
        for number in 0..<20_000 { counts[ring.node(of: hash("k\(number)")) ?? 0] += 1 }
        #expect(counts[0] > 19_900)
    }
}
