import HTTPParser
import Testing

@testable import StickyPolicy

@Suite("sessions whose backend is away")
struct LostBackendTests {
    /// Sessions at one site, by cookie.
    private func sessions(_ site: StickyRoute, count: Int) throws -> [String: Selection] {
        var sessions: [String: Selection] = [:]
        for _ in 0..<count {
            let selection = try #require(site.select())
            sessions[try #require(site.cookie(for: selection))] = selection
        }
        return sessions
    }

    @Test("a draining backend keeps its sessions and gets no new ones", arguments: modes)
    func drain(mode: CookieSettings.Mode) throws {
        let site = StickyRoute(cookieAffinity(mode), backends: backends("a", "b", "c"))
        let sessions = try sessions(site, count: 60)
        site.setState(.drain, of: "b")
        for (cookie, old) in sessions {
            let selection = try #require(site.select(cookies: [cookie]))
            #expect(selection.backend == old.backend && selection.reason == .hit)
        }
        for _ in 0..<200 {
            let selection = try #require(site.select())
            let cookie = try #require(site.cookie(for: selection))
            #expect(site.name(selection) != "b")
            #expect(site.name(site.select(cookies: [cookie])) != "b")
        }
    }

    @Test("a new client's key leads to one that takes new clients, though nearly all drain")
    func nearlyAllDrain() throws {
        let site = StickyRoute(cookieAffinity(.balanced), backends: backends(count: 50))
        for number in 2..<50 { site.setState(.drain, of: "b\(number)") }
        for _ in 0..<20 {
            let selection = try #require(site.select())
            let cookie = try #require(site.cookie(for: selection))
            let again = try #require(site.select(cookies: [cookie]))
            #expect(again.backend == selection.backend && again.backend < 2)
        }
    }

    @Test("while a backend is down its successor serves, without a new cookie", arguments: modes)
    func down(mode: CookieSettings.Mode) throws {
        let site = StickyRoute(cookieAffinity(mode), backends: backends("a", "b", "c", "d"))
        let sessions = try sessions(site, count: 80)
        site.setState(.down, of: "b")
        var heirs: Set<Int> = []
        for (cookie, old) in sessions {
            let selection = try #require(site.select(cookies: [cookie]))
            #expect(!selection.setsCookie)
            guard site.name(old) == "b" else {
                #expect(selection.reason == .hit && selection.backend == old.backend)
                continue
            }
            #expect(selection.reason == .down && selection.wasMoved)
            #expect(site.select(cookies: [cookie]) == selection)
            heirs.insert(selection.backend)
        }
        #expect(heirs.count == 3)
        site.setState(.ready, of: "b")
        for (cookie, old) in sessions {
            let selection = try #require(site.select(cookies: [cookie]))
            #expect(selection.backend == old.backend && selection.reason == .hit)
        }
    }

    @Test("with change-on-failure the successor's cookie is set", arguments: modes)
    func changeOnFailure(mode: CookieSettings.Mode) throws {
        let site = StickyRoute(
            cookieAffinity(mode) { $0.changeOnFailure = true }, backends: backends("a", "b", "c"))
        let cookie = try #require(site.cookie(for: site.select()))
        let home = try #require(site.name(site.select(cookies: [cookie])))
        site.setState(.down, of: home)
        let moved = try #require(site.select(cookies: [cookie]))
        #expect(moved.reason == .down && moved.setsCookie && moved.wasMoved)
        let next = try #require(site.cookie(for: moved))
        site.setState(.ready, of: home)
        let later = try #require(site.select(cookies: [next]))
        #expect(later.backend == moved.backend && later.reason == .hit)
    }

    @Test("a backend that is gone has one successor for each session, on every replica, once")
    func lost() throws {
        let resources = RouteAffinity.Resources(
            authenticator: FakeAuthenticator(),
            sessions: SessionTable(limit: 10, seed: SessionTable.HashSeed(1, 2)),
            loads: BackendLoads())
        func replica(_ names: [String], seed: UInt64) -> StickyRoute {
            let profile = ServiceProfile(
                name: "shop", position: 0, backends: names.map { BackendProfile(name: $0) })
            return StickyRoute(
                cookieAffinity(.persistent), service: profile, seed: seed, resources: resources)
        }
        let before = replica(["a", "b", "c", "d"], seed: 1)
        let one = replica(["a", "c", "d"], seed: 2)
        let other = replica(["d", "c", "a"], seed: 3)
        var heirs: Set<String?> = []
        for (cookie, old) in try sessions(before, count: 80) {
            let here = try #require(one.select(cookies: [cookie]))
            let there = other.select(cookies: [cookie])
            #expect(one.name(here) == other.name(there))
            guard before.name(old) == "b" else {
                #expect(here.reason == .hit && before.name(old) == one.name(here))
                continue
            }
            #expect(here.reason == .lost && here.setsCookie && here.wasMoved)
            #expect(here.clientKey == old.clientKey)
            heirs.insert(one.name(here))
            let next = try #require(one.cookie(for: here))
            #expect(other.name(other.select(cookies: [next])) == one.name(here))
            #expect(other.select(cookies: [next])?.reason == .hit)
        }
        #expect(heirs.count == 3)
    }

    @Test("in persistent mode nobody moves when backends come")
    func scaleUp() throws {
        let authenticator = FakeAuthenticator()
        let few = StickyRoute(
            cookieAffinity(.persistent), backends: backends(count: 2), authenticator: authenticator)
        let many = StickyRoute(
            cookieAffinity(.persistent), backends: backends(count: 6), authenticator: authenticator)
        for (cookie, old) in try sessions(few, count: 40) {
            let selection = many.select(cookies: [cookie])
            #expect(selection?.reason == .hit && many.name(selection) == few.name(old))
        }
    }

    @Test("in balanced mode sessions move only to new backends, and no cookie is set")
    func balancedScaleUp() throws {
        let authenticator = FakeAuthenticator()
        let few = StickyRoute(
            cookieAffinity(.balanced), backends: backends(count: 4), authenticator: authenticator)
        let many = StickyRoute(
            cookieAffinity(.balanced), backends: backends(count: 8), authenticator: authenticator)
        var movedCount = 0
        for (cookie, old) in try sessions(few, count: 1000) {
            let selection = try #require(many.select(cookies: [cookie]))
            #expect(selection.reason == .hit && !selection.setsCookie)
            guard selection.backend != old.backend else { continue }
            movedCount += 1
            #expect(selection.backend >= 4)
        }
        #expect(abs(movedCount - 500) < 100)
    }

    @Test("keys that were made for their backends scale as any others do")
    func madeKeysScale() throws {
        let authenticator = FakeAuthenticator()
        let few = StickyRoute(
            cookieAffinity(.balanced), backends: backends(count: 30), authenticator: authenticator)
        let many = StickyRoute(
            cookieAffinity(.balanced), backends: backends(count: 60), authenticator: authenticator)
        var movedCount = 0
        for (cookie, old) in try sessions(few, count: 1000) {
            let selection = try #require(many.select(cookies: [cookie]))
            guard selection.backend != old.backend else { continue }
            movedCount += 1
            #expect(selection.backend >= 30)
        }
        #expect(abs(movedCount - 500) < 80)
    }

    @Test("a mode that changes while sessions live loses none of them")
    func modeChange() throws {
        let authenticator = FakeAuthenticator()
        let balanced = StickyRoute(
            cookieAffinity(.balanced), backends: backends(count: 3), authenticator: authenticator)
        let persistent = StickyRoute(
            cookieAffinity(.persistent), backends: backends(count: 3), authenticator: authenticator)
        for (cookie, old) in try sessions(balanced, count: 30) {
            #expect(persistent.select(cookies: [cookie])?.backend == old.backend)
        }
        for (cookie, _) in try sessions(persistent, count: 30) {
            #expect(balanced.select(cookies: [cookie])?.reason == .hit)
        }
    }

    @Test("rotating the keys moves nobody", arguments: modes)
    func rotation(mode: CookieSettings.Mode) throws {
        func site(_ secrets: [UInt64]) -> StickyRoute {
            StickyRoute(
                cookieAffinity(mode), backends: backends("a", "b", "c"),
                authenticator: FakeAuthenticator(secrets: secrets))
        }
        let old = site([1])
        let rotated = site([2, 1])
        for (cookie, selection) in try sessions(old, count: 30) {
            let again = try #require(rotated.select(cookies: [cookie]))
            #expect(again.backend == selection.backend && again.reason == .hit)
            #expect(site([2]).select(cookies: [cookie])?.reason == .forged)
        }
    }

    private static let modes: [CookieSettings.Mode] = [.balanced, .persistent]
}

@Suite("after a connection could not be made")
struct SuccessorTests {
    private static let modes: [CookieSettings.Mode] = [.balanced, .persistent]

    @Test("a session goes to its successor and keeps its cookie", arguments: modes)
    func hit(mode: CookieSettings.Mode) throws {
        let site = StickyRoute(cookieAffinity(mode), backends: backends("a", "b", "c"))
        let cookie = try #require(site.cookie(for: site.select()))
        let bound = try #require(site.select(cookies: [cookie]))
        let next = try #require(site.successor(of: bound, tried: [bound.backend]))
        #expect(next.backend != bound.backend && !next.setsCookie)
        #expect(next.reason == .down && next.wasMoved)
        let last = try #require(site.successor(of: next, tried: [bound.backend, next.backend]))
        #expect(Set([bound.backend, next.backend, last.backend]) == [0, 1, 2])
        #expect(site.successor(of: last, tried: [0, 1, 2]) == nil)
        #expect(site.select(cookies: [cookie])?.backend == bound.backend)
        // What health finds out later leads to the same backend.
        site.setState(.down, of: try #require(site.name(bound)))
        #expect(site.select(cookies: [cookie])?.backend == next.backend)
    }

    @Test("a new client's cookie is for the backend that answered", arguments: modes)
    func new(mode: CookieSettings.Mode) throws {
        let site = StickyRoute(cookieAffinity(mode), backends: backends("a", "b", "c"))
        for _ in 0..<50 {
            let first = try #require(site.select())
            let next = try #require(site.successor(of: first, tried: [first.backend]))
            #expect(next.reason == .new && next.setsCookie && !next.wasMoved)
            #expect(next.backend != first.backend)
            let cookie = try #require(site.cookie(for: next))
            #expect(site.select(cookies: [cookie])?.backend == next.backend)
        }
    }

    @Test("with change-on-failure the session moves for good", arguments: modes)
    func changeOnFailure(mode: CookieSettings.Mode) throws {
        let site = StickyRoute(
            cookieAffinity(mode) { $0.changeOnFailure = true }, backends: backends("a", "b", "c"))
        let cookie = try #require(site.cookie(for: site.select()))
        let bound = try #require(site.select(cookies: [cookie]))
        let next = try #require(site.successor(of: bound, tried: [bound.backend]))
        #expect(next.setsCookie)
        let moved = try #require(site.cookie(for: next))
        #expect(site.select(cookies: [moved])?.backend == next.backend)
    }

    @Test("a request that was sent stays with its session, also while a cookie is replaced")
    func stays() throws {
        let site = StickyRoute(cookieAffinity(.persistent), backends: backends("a", "b"))
        let fresh = try #require(site.select())
        let cookie = try #require(site.cookie(for: fresh))
        var bound = try #require(site.select(cookies: [cookie]))
        #expect(!site.route.staysAfterFailure(fresh))
        #expect(site.route.staysAfterFailure(bound))
        bound.reason = .migrated
        #expect(site.route.staysAfterFailure(bound))
    }

    @Test("without affinity the balancer takes the next that was not tried")
    func none() throws {
        let site = StickyRoute(AffinitySettings(), backends: backends("a", "b"))
        let first = try #require(site.select())
        let next = try #require(site.successor(of: first, tried: [first.backend]))
        #expect(next.backend != first.backend && next.kind == .none && !next.wasMoved)
        #expect(site.successor(of: next, tried: [0, 1]) == nil)
    }

    @Test("after sixteen attempts there is none")
    func bounded() throws {
        let site = StickyRoute(cookieAffinity(.persistent), backends: backends(count: 20))
        let first = try #require(site.select())
        #expect(site.successor(of: first, tried: Array(0..<15)) != nil)
        #expect(site.successor(of: first, tried: Array(0..<16)) == nil)
    }
}
