import HTTPParser
import Testing

@testable import StickyPolicy

/// How evenly sessions lie, and how few of them move.
@Suite("distribution and disruption")
struct DistributionTests {
    private let authenticator = FakeAuthenticator()

    private func site(_ count: Int) -> StickyRoute {
        StickyRoute(
            cookieAffinity(.balanced), backends: backends(count: count),
            authenticator: authenticator)
    }

    private func cookies(_ count: Int, of site: StickyRoute) throws -> [String] {
        try (0..<count).map { _ in try #require(site.cookie(for: site.select())) }
    }

    /// For the counts of equally likely places.
    private func chiSquare(_ counts: [Int]) -> Double {
        let expected = Double(counts.reduce(0, +)) / Double(counts.count)
        return counts.reduce(0) { sum, seen in
            sum + (Double(seen) - expected) * (Double(seen) - expected) / expected
        }
    }

    @Test("10,000 balanced sessions of 50 backends lie evenly on 2, 3 and 10, by chi-square")
    func balanced() throws {
        let all = try cookies(10_000, of: site(50))
        for count in [2, 3, 10, 50] {
            let site = site(count)
            var counts = Array(repeating: 0, count: count)
            for cookie in all {
                let selection = try #require(site.select(cookies: [cookie]))
                #expect(selection.reason == .hit && !selection.setsCookie)
                counts[selection.backend] += 1
            }
            // The mean is count - 1 and the variance twice that; four deviations are one in 10,000.
            let freedom = Double(count - 1)
            #expect(chiSquare(counts) < freedom + 4 * (2 * freedom).squareRoot() + 4)
        }
    }

    /// Keys that are drawn for a backend must be as all of its keys are, or those that have to
    /// leave it would not lie evenly.
    @Test(
        "keys that are drawn for one backend have all others as successors alike, by chi-square",
        arguments: [3, 12, 50])
    func drawn(count: Int) throws {
        let service = ServiceProfile(name: "shop", position: 0, backends: backends(count: count))
        var selector = ServiceSelector(service, seed: 8)
        var heirs = Array(repeating: 0, count: count)
        var keys: Set<UInt64> = []
        for round in 0..<count * 400 {
            // Most new clients go round; some backends get one after the other.
            let choice = round % 4 == 0 ? 1 : round % count
            let drawn = selector.drawKey(for: choice, excluding: TriedBackends())
            #expect(drawn.backend == choice && selector.owner(of: drawn.key) == choice)
            #expect(keys.insert(drawn.key).inserted)
            guard choice == 1 else { continue }
            var tried = TriedBackends()
            tried.insert(choice)
            heirs[try #require(selector.successor(of: drawn.key, excluding: tried))] += 1
        }
        #expect(heirs.remove(at: 1) == 0)
        let freedom = Double(count - 2)
        #expect(chiSquare(heirs) < freedom + 4 * (2 * freedom).squareRoot() + 4)
    }

    @Test(
        "one backend more moves at most 1.2/n of the balanced sessions, to itself alone",
        arguments: [2, 3, 10, 50])
    func disruption(count: Int) throws {
        let (small, large) = (site(count), site(count + 1))
        var movedCount = 0
        // Made with one more, and looked at with one less and back: both directions.
        for cookie in try cookies(4_000, of: large) {
            let before = try #require(small.select(cookies: [cookie])).backend
            let after = try #require(large.select(cookies: [cookie])).backend
            guard before != after else { continue }
            movedCount += 1
            #expect(after == count)
        }
        #expect(Double(movedCount) <= 1.2 / Double(count) * 4_000)
    }

    @Test(
        "the sessions of a lost backend spread within a fifth of evenly, in both modes",
        arguments: [CookieSettings.Mode.balanced, .persistent])
    func successors(mode: CookieSettings.Mode) throws {
        let service = ServiceProfile(name: "shop", position: 0, backends: backends(count: 6))
        var selector = ServiceSelector(service, seed: 4)
        selector.setState(of: 0, to: .down)
        var heirs = Array(repeating: 0, count: 6)
        for number in 0..<24_000 as Range<UInt64> {
            let key = mixed(number)
            // The key of a persistent session says nothing about its backend.
            if mode == .balanced, selector.owner(of: key) != 0 { continue }
            heirs[try #require(selector.successor(of: key))] += 1
        }
        #expect(heirs[0] == 0)
        let even = Double(heirs.reduce(0, +)) / 5
        #expect(heirs.dropFirst().allSatisfy { abs(Double($0) / even - 1) < 0.2 })
    }
}
