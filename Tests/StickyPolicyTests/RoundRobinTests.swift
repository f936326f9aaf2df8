import Testing

@testable import StickyPolicy

@Suite("round robin")
struct RoundRobinTests {
    private func turns(
        _ candidates: [Candidate], count: Int, offset: UInt64 = 0,
        excluding tried: TriedBackends = TriedBackends()
    ) -> [Int] {
        var balancer = RoundRobin(count: candidates.count, offset: offset)
        return (0..<count).compactMap { _ in
            balancer.pick(from: candidates.span, excluding: tried)
        }
    }

    private func candidates(_ weights: UInt32...) -> [Candidate] {
        weights.enumerated().map {
            Candidate(identity: UInt64($0), weight: $1, state: .ready)
        }
    }

    @Test("equal backends take turns, from the worker's own start")
    func equal() {
        #expect(turns(candidates(1, 1, 1), count: 6) == [0, 1, 2, 0, 1, 2])
        #expect(turns(candidates(7, 7, 7), count: 6, offset: 2) == [2, 0, 1, 2, 0, 1])
        #expect(turns(candidates(1, 1, 1), count: 3, offset: .max) == [0, 1, 2])
    }

    @Test("a heavy backend's turns are spread, not in a row")
    func smooth() {
        #expect(turns(candidates(5, 1, 1), count: 7) == [0, 0, 1, 0, 2, 0, 0])
    }

    @Test("600 clients of three backends are 200 each")
    func exact() {
        let turns = turns(candidates(1, 1, 1), count: 600)
        #expect([0, 1, 2].map { backend in turns.count { $0 == backend } } == [200, 200, 200])
    }

    @Test("who drains, is down, weighs nothing or was tried has no turn")
    func skipped() {
        var all = candidates(1, 1, 1, 0, 1)
        all[0].state = .drain
        all[1].state = .down
        var tried = TriedBackends()
        tried.insert(4)
        #expect(turns(all, count: 3, excluding: tried) == [2, 2, 2])
        #expect(turns(candidates(0, 0), count: 3).isEmpty)
        #expect(turns([], count: 3, offset: 9).isEmpty)
    }

    @Test("the largest weights do not overflow")
    func largeWeights() {
        let turns = turns(candidates(.max, .max, 1), count: 1000)
        #expect(turns.count { $0 == 0 } == 500)
    }

    @Test("of those tried, sixteen are remembered")
    func triedBackends() {
        var tried = TriedBackends()
        for backend in 0..<20 { tried.insert(backend) }
        tried.insert(3)
        #expect(tried.isFull && tried.count == 16)
        #expect(tried.contains(15) && !tried.contains(16))
    }
}
