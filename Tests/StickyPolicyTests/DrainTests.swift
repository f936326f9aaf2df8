import HTTPParser
import Testing

@testable import StickyPolicy

@Suite("draining backends")
struct DrainTests {
    private func site(_ settings: AffinitySettings) -> StickyRoute {
        var profiles = backends("a", "b", "c")
        for index in profiles.indices { profiles[index].drainDeadlineSeconds = 60 }
        return StickyRoute(settings, backends: profiles)
    }

    private func request(_ cookie: String, _ method: RequestMethod = .get) -> TestRequest {
        var request = TestRequest(cookies: [cookie])
        request.setMethod(method)
        return request
    }

    @Test(
        "after the deadline a session moves with a new cookie, by idempotent requests first",
        arguments: [CookieSettings.Mode.persistent, .balanced])
    func deadline(mode: CookieSettings.Mode) throws {
        let site = site(cookieAffinity(mode))
        let first = try #require(site.select())
        let cookie = try #require(site.cookie(for: first))
        site.setState(.drain, of: try #require(site.name(first)))
        #expect(site.select(request(cookie))?.backend == first.backend)
        site.client.monotonicSeconds += 59
        #expect(site.select(request(cookie))?.reason == .hit)
        site.client.monotonicSeconds += 1
        #expect(site.select(request(cookie, .post))?.reason == .hit)
        let moved = try #require(site.select(request(cookie)))
        #expect(moved.reason == .drain && moved.wasMoved && moved.setsCookie)
        let after = site.select(cookies: [try #require(site.cookie(for: moved))])
        #expect(after?.reason == .hit && after?.backend == moved.backend)
        site.client.monotonicSeconds += 60
        #expect(site.select(request(cookie, .post))?.reason == .drain)
    }

    @Test(
        "a backend of weight 0 keeps its clients and gets no others, whatever its weight was",
        arguments: [CookieSettings.Mode.persistent, .balanced])
    func weightless(mode: CookieSettings.Mode) throws {
        let site = { (weight: UInt32) in
            StickyRoute(
                cookieAffinity(mode),
                backends: [BackendProfile(name: "a", weight: weight)] + backends("b", "c"))
        }
        let before = site(5)
        let cookies = try (0..<30).map { _ in
            let selection = try #require(before.select())
            return (selection.backend, try #require(before.cookie(for: selection)))
        }
        let after = site(0)
        for (backend, cookie) in cookies {
            let selection = after.select(cookies: [cookie])
            #expect(selection?.backend == backend && selection?.reason == .hit)
            #expect(selection?.setsCookie == false)
        }
        #expect(!after.newClients(20).contains("a"))
    }

    @Test("the deadline counts from the drain, also across a reload")
    func reload() throws {
        let site = site(AffinitySettings(kind: .clientIP(ClientIPSettings())))
        let first = try #require(site.select())
        site.setState(.drain, of: try #require(site.name(first)))
        #expect(site.select()?.reason == .hit)
        site.client.monotonicSeconds += 40
        site.selector = BackendSelector(services: [site.service], seed: 9)
        site.setState(.drain, of: try #require(site.name(first)))
        #expect(site.select()?.reason == .hit)
        site.client.monotonicSeconds += 20
        #expect(site.select()?.reason == .drain)
    }

    @Test("sessions by cookie are counted within a tenth, for the minutes that are asked for")
    func estimate() throws {
        let load = BackendLoad()
        #expect(load.recentSessions(at: 600) == 0)
        for round in 0..<3 {
            for key in 0..<10 { load.note(UInt64(key), at: 600 + UInt32(round)) }
        }
        #expect((9...11).contains(load.recentSessions(at: 605)))
        var keys = SplitMix64(seed: 4)
        for _ in 0..<20_000 { load.note(keys.next(), at: 700) }
        #expect(abs(load.recentSessions(at: 700) - 20_000) < 4_000)
        #expect((9...11).contains(load.recentSessions(at: 660, minutes: 6)) == false)
        #expect(load.recentSessions(at: 700 + 420) == 0)
    }

    @Test("sessions of a table are counted exactly")
    func exact() throws {
        let site = site(AffinitySettings(kind: .clientIP(ClientIPSettings())))
        for client in 0..<30 {
            site.client.address = IPAddress(v4: UInt32(client))
            _ = try #require(site.select())
        }
        let counts = site.sessions.counts(
            ofService: site.service.identity, now: site.client.monotonicSeconds)
        #expect(counts.count == 3 && counts.values.allSatisfy { $0 == 10 })
        #expect(site.sessions.counts(ofService: 1, now: 0).isEmpty)
    }
}
