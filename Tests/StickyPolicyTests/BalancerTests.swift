import HTTPParser
import Testing

@testable import StickyPolicy

@Suite("who gets new clients")
struct BalancerTests {
    private func site(
        _ balance: BalanceKind, _ profiles: [BackendProfile], slowStart: UInt32 = 0
    ) -> StickyRoute {
        var service = ServiceProfile(name: "shop", position: 0, backends: profiles)
        service.balance = balance
        service.slowStartSeconds = slowStart
        return StickyRoute(
            AffinitySettings(), service: service,
            resources: RouteAffinity.Resources(
                authenticator: FakeAuthenticator(),
                sessions: SessionTable(limit: 1, seed: SessionTable.HashSeed(1, 2)),
                loads: BackendLoads()))
    }

    private func shares(_ names: [String]) -> [String: Int] {
        names.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    @Test("least_conn: the fewest open requests and tunnels for their weight")
    func leastConnections() {
        let profiles = [
            BackendProfile(name: "a", weight: 2), BackendProfile(name: "b"),
            BackendProfile(name: "c"),
        ]
        for _ in 0..<3 { profiles[0].load.enter() }
        for _ in 0..<2 { profiles[1].load.enter() }
        for _ in 0..<3 { profiles[2].load.enter() }
        #expect(site(.leastConnections, profiles).newClients(5) == ["a", "a", "a", "a", "a"])
        profiles[2].load.leave()
        profiles[2].load.leave()
        #expect(site(.leastConnections, profiles).newClients(2) == ["c", "c"])
    }

    @Test("least_conn: of equals the one with the fewest sessions, then any")
    func tie() {
        let profiles = backends("a", "b", "c")
        #expect(Set(site(.leastConnections, profiles).newClients(60)) == ["a", "b", "c"])
        profiles[0].load.bind()
        profiles[2].load.bind()
        #expect(Set(site(.leastConnections, profiles).newClients(20)) == ["b"])
    }

    @Test("ewma: the faster of two, and old answers are forgotten")
    func ewma() {
        let profiles = backends("fast", "slow")
        profiles[0].load.answered(afterMicroseconds: 1_000, at: 1_000_000)
        profiles[1].load.answered(afterMicroseconds: 50_000, at: 1_000_000)
        #expect(Set(site(.ewma, profiles).newClients(20)) == ["fast"])
        // The slow one was not asked for ten minutes; the fast one answers as ever.
        profiles[0].load.answered(afterMicroseconds: 1_000, at: 1_600_000)
        let later = site(.ewma, profiles)
        later.client.monotonicSeconds = 1_600
        #expect(Set(later.newClients(20)) == ["slow"])
    }

    @Test("ewma: one slow first answer does not starve a backend, and few go to a slow one")
    func firstAnswer() {
        for (slow, range) in [(1_000, 240...360), (3_000, 35...90), (50_000, 0...3)] {
            let profiles = backends("a", "b")
            profiles[0].load.answered(afterMicroseconds: 1_000, at: 1_000_000)
            profiles[1].load.answered(afterMicroseconds: UInt32(slow), at: 1_000_000)
            let chosen = site(.ewma, profiles).newClients(600)
            #expect(range.contains(chosen.count { $0 == "b" }))
        }
    }

    @Test("ewma: what an answer took is forgotten as e^(-t / 10 s)")
    func forgetting() throws {
        let load = BackendLoad()
        load.answered(afterMicroseconds: 1_000_000, at: 5_000)
        for (seconds, left) in [(7, 496_585.0), (10, 367_879), (30, 49_787), (60, 2_479)] {
            let latency = Double(try #require(load.latency(at: 5_000 + UInt32(seconds) * 1_000)))
            #expect(abs(latency - left) < left * 0.03)
        }
        #expect(try #require(load.latency(at: 2_000_000_000)) < 1)
    }

    @Test("ewma: one slow answer counts at once, and a backend without answers is average")
    func peak() throws {
        let load = BackendLoad()
        #expect(load.latency(at: 0) == nil)
        load.answered(afterMicroseconds: 100, at: 5_000)
        load.answered(afterMicroseconds: 10_000, at: 5_000)
        #expect(load.latency(at: 5_000) == 10_000)
        load.answered(afterMicroseconds: 100, at: 5_000)
        #expect(try #require(load.latency(at: 5_000)) > 9_000)
        #expect(try #require(load.latency(at: 65_000)) < 500)
        // The clock of another worker is behind by a moment.
        #expect(load.latency(at: 4_000) == 10_000)
    }

    @Test("random: by weight, and the less busy of two")
    func random() {
        let equal = site(.random, backends("a", "b", "c"))
        #expect(shares(equal.newClients(300)).values.allSatisfy { $0 > 60 })
        let busy = backends("a", "b")
        busy[0].load.enter()
        #expect(Set(site(.random, busy).newClients(20)) == ["b"])
        let weighted = site(
            .random,
            [
                BackendProfile(name: "a", weight: 9), BackendProfile(name: "b"),
                BackendProfile(name: "c", weight: 0),
            ])
        let turns = shares(weighted.newClients(1000))
        #expect(turns["c"] == nil && (turns["a"] ?? 0) > (turns["b"] ?? 0))
    }

    @Test("nobody who drains, is down or was tried is chosen", arguments: BalanceKind.allCases)
    func ineligible(balance: BalanceKind) throws {
        let site = site(balance, backends("a", "b", "c", "d"))
        site.setState(.drain, of: "a")
        site.setState(.down, of: "b")
        #expect(Set(site.newClients(40)) == ["c", "d"])
        let selection = try #require(site.select())
        let next = try #require(site.successor(of: selection, tried: [selection.backend]))
        #expect(next.backend != selection.backend && next.backend >= 2)
        #expect(site.successor(of: next, tried: [2, 3]) == nil)
    }

    @Test("a route's own balancer wins over the service's")
    func ofRoute() {
        var settings = AffinitySettings()
        settings.balance = .leastConnections
        let profiles = backends("a", "b")
        profiles[0].load.enter()
        let site = StickyRoute(settings, backends: profiles)
        #expect(site.newClients(3) == ["b", "b", "b"])
    }

    @Test("slow start: a backend that comes back gets a tenth at first, and all of it in the end")
    func slowStart() {
        let site = site(.roundRobin, backends("a", "b"), slowStart: 100)
        #expect(shares(site.newClients(100)) == ["a": 50, "b": 50])
        site.setState(.down, of: "b")
        #expect(shares(site.newClients(10)) == ["a": 10])
        site.setState(.ready, of: "b")
        let early = shares(site.newClients(110))["b"] ?? 0
        #expect((8...12).contains(early))
        site.client.monotonicSeconds += 50
        let middle = shares(site.newClients(155))["b"] ?? 0
        #expect((50...60).contains(middle))
        site.client.monotonicSeconds += 50
        #expect((49...51).contains(shares(site.newClients(100))["b"] ?? 0))
    }

    @Test("sessions that are not seen any more do not count for ever")
    func recount() {
        let load = BackendLoad()
        for _ in 0..<500 { load.bind() }
        for session in 0..<20 as Range<UInt64> { load.note(mixed(session), at: 600) }
        load.recount(at: 610)
        #expect((15...25).contains(load.bound))
        load.bind()
        load.recount(at: 615)
        #expect((16...26).contains(load.bound))
        load.recount(at: 1_200)
        #expect(load.bound == 0)
    }

    @Test("turns are even among those who take new clients, also while states change")
    func turns() {
        let site = site(.roundRobin, backends("a", "b", "c"))
        #expect(shares(site.newClients(600)) == ["a": 200, "b": 200, "c": 200])
        site.setState(.drain, of: "b")
        #expect(shares(site.newClients(600)) == ["a": 300, "c": 300])
        site.setState(.ready, of: "b")
        #expect(shares(site.newClients(600)) == ["a": 200, "b": 200, "c": 200])
    }
}
