import HTTPParser
import Testing

@testable import StickyPolicy

@Suite("affinity by client address")
struct ClientIPSelectionTests {
    private func site(
        _ profiles: [BackendProfile] = backends("a", "b", "c"),
        _ change: (inout ClientIPSettings) -> Void = { _ in }
    ) -> StickyRoute {
        var settings = ClientIPSettings()
        change(&settings)
        return StickyRoute(AffinitySettings(kind: .clientIP(settings)), backends: profiles)
    }

    private func from(_ address: String, _ site: StickyRoute) throws -> Selection {
        site.client.address = try #require(IPAddress(address))
        let selection = site.select()
        return try #require(selection)
    }

    @Test("an address stays where it was put, and no cookie is set")
    func sticky() throws {
        let site = site()
        for number in 1...100 {
            let first = try from("192.0.2.\(number)", site)
            #expect(first.kind == .clientIP && first.reason == .new && !first.setsCookie)
            let again = try from("192.0.2.\(number)", site)
            #expect(again.backend == first.backend && again.reason == .hit)
        }
        #expect(site.sessions.count == 100)
    }

    @Test("new addresses are dealt out by the balancer")
    func even() throws {
        let site = site()
        var counts: [Int: Int] = [:]
        for number in 0..<240 {
            counts[try from("10.0.0.\(number)", site).backend, default: 0] += 1
        }
        #expect(counts == [0: 80, 1: 80, 2: 80])
    }

    @Test("addresses of one network are one client, where the prefix says so")
    func prefix() throws {
        let site = site {
            $0.prefixLength = 24
            $0.prefixLengthV6 = 64
        }
        let first = try from("192.0.2.1", site)
        #expect(try from("192.0.2.254", site).backend == first.backend)
        #expect(try from("192.0.2.254", site).reason == .hit)
        #expect(try from("192.0.3.1", site).reason == .new)
        #expect(try from("2001:db8::1", site).reason == .new)
        #expect(try from("2001:db8::ffff:1", site).reason == .hit)
        #expect(try from("2001:db8:0:1::1", site).reason == .new)
    }

    @Test("an idle session ends after its time")
    func idle() throws {
        let site = site { $0.timeoutSeconds = 10 }
        #expect(try from("192.0.2.1", site).reason == .new)
        site.client.monotonicSeconds += 10
        #expect(try from("192.0.2.1", site).reason == .hit)
        site.client.monotonicSeconds += 11
        #expect(try from("192.0.2.1", site).reason == .new)
    }

    @Test("a session moves once when its backend goes down, and stays when it is back")
    func down() throws {
        let site = site()
        let first = try from("192.0.2.1", site)
        site.setState(.down, of: try #require(site.name(first)))
        let moved = try from("192.0.2.1", site)
        #expect(moved.reason == .down && moved.wasMoved && moved.backend != first.backend)
        #expect(try from("192.0.2.1", site).reason == .hit)
        site.setState(.ready, of: try #require(site.name(first)))
        #expect(try from("192.0.2.1", site).backend == moved.backend)
    }

    @Test("a draining backend keeps its addresses and gets no new ones")
    func drain() throws {
        let site = site()
        let first = try from("192.0.2.1", site)
        let name = try #require(site.name(first))
        site.setState(.drain, of: name)
        #expect(try from("192.0.2.1", site).backend == first.backend)
        for number in 2...50 { #expect(site.name(try from("192.0.2.\(number)", site)) != name) }
    }

    @Test("sessions outlive a reload that reorders backends; those of a lost one move")
    func reload() throws {
        let authenticator = FakeAuthenticator()
        let sessions = SessionTable(limit: 1000, seed: SessionTable.HashSeed(1, 2))
        func configuration(_ names: [String]) -> StickyRoute {
            var profile = ServiceProfile(
                name: "shop", position: 0, backends: names.map { BackendProfile(name: $0) })
            profile.clientIP = ClientIPSettings()
            return StickyRoute(
                AffinitySettings(), service: profile,
                resources: RouteAffinity.Resources(
                    authenticator: authenticator, sessions: sessions, loads: BackendLoads()))
        }
        let before = configuration(["a", "b", "c"])
        let after = configuration(["c", "a"])
        for number in 1...60 {
            let old = try from("192.0.2.\(number)", before)
            let new = try from("192.0.2.\(number)", after)
            if before.name(old) == "b" {
                #expect(new.reason == .lost && new.wasMoved)
            } else {
                #expect(new.reason == .hit && after.name(new) == before.name(old))
            }
        }
    }

    @Test("the affinity of a route wins over that of its service")
    func precedence() throws {
        var profile = ServiceProfile(name: "shop", position: 0, backends: backends("a", "b"))
        profile.clientIP = ClientIPSettings()
        let resources = RouteAffinity.Resources(
            authenticator: FakeAuthenticator(),
            sessions: SessionTable(limit: 10, seed: SessionTable.HashSeed(1, 2)),
            loads: BackendLoads())
        let cookie = StickyRoute(
            cookieAffinity(.persistent), service: profile, resources: resources)
        let plain = StickyRoute(AffinitySettings(), service: profile, resources: resources)
        #expect(cookie.select()?.kind == .cookie)
        #expect(plain.select()?.kind == .clientIP)
    }

    @Test("a failed connection moves a new session, and lends an old one")
    func successor() throws {
        let site = site()
        let first = try from("192.0.2.1", site)
        let next = try #require(site.successor(of: first, tried: [first.backend]))
        #expect(next.reason == .new && next.backend != first.backend)
        let bound = try from("192.0.2.1", site)
        #expect(bound.reason == .hit && bound.backend == next.backend)
        let lent = try #require(site.successor(of: bound, tried: [bound.backend]))
        #expect(lent.reason == .down && lent.wasMoved)
        let further = site.successor(of: lent, tried: [bound.backend, lent.backend])
        #expect(further?.backend != lent.backend)
        #expect(try from("192.0.2.1", site).backend == bound.backend)
    }

    @Test("an open tunnel keeps the session")
    func hold() throws {
        let site = site { $0.timeoutSeconds = 10 }
        let first = try from("192.0.2.1", site)
        let hold = try #require(site.route.hold(first, for: site.client))
        site.client.monotonicSeconds += 1000
        hold.release(monotonicSeconds: site.client.monotonicSeconds)
        site.client.monotonicSeconds += 10
        #expect(try from("192.0.2.1", site).backend == first.backend)
        site.client.monotonicSeconds += 11
        #expect(site.route.hold(first, for: site.client) == nil)
        #expect(try from("192.0.2.1", site).reason == .new)
    }

    @Test("no backend may serve: nobody is chosen")
    func nobody() throws {
        let site = site(backends("a"))
        _ = try from("192.0.2.1", site)
        site.setState(.down, of: "a")
        #expect(site.select() == nil)
        site.client.address = IPAddress(v4: 1)
        #expect(site.select() == nil)
    }

    @Test("workers that see a client's first requests at once agree on its backend")
    func workersAgree() async {
        let sessions = SessionTable(limit: 10_000, seed: SessionTable.HashSeed(1, 2))
        let resources = RouteAffinity.Resources(
            authenticator: FakeAuthenticator(), sessions: sessions, loads: BackendLoads())
        let service = ServiceProfile(name: "shop", position: 0, backends: backends(count: 7))
        let answers = await withTaskGroup(of: [Int?].self) { group in
            for worker in 0..<4 as Range<UInt64> {
                group.addTask {
                    let site = StickyRoute(
                        AffinitySettings(kind: .clientIP(ClientIPSettings())), service: service,
                        seed: worker, resources: resources)
                    return (0..<5000 as Range<UInt32>).map { number in
                        site.client.address = IPAddress(v4: number)
                        return site.select()?.backend
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count == 4)
        for answer in answers { #expect(answer == answers[0]) }
    }
}
