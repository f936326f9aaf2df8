import HTTPParser
import Testing

@testable import StickyPolicy

@Suite("cookie affinity")
struct CookieSelectionTests {
    static let modes: [CookieSettings.Mode] = [.balanced, .persistent]

    @Test("a client without a cookie gets one, and comes back to its backend", arguments: modes)
    func newThenHit(mode: CookieSettings.Mode) throws {
        let site = StickyRoute(cookieAffinity(mode), backends: backends("a", "b", "c"))
        for _ in 0..<100 {
            let first = try #require(site.select())
            #expect(first.reason == .new && first.setsCookie && !first.wasMoved)
            let cookie = try #require(site.cookie(for: first))
            for _ in 0..<3 {
                let again = try #require(site.select(cookies: [cookie]))
                #expect(again.backend == first.backend)
                #expect(again.reason == .hit && again.kind == .cookie && !again.setsCookie)
                #expect(again.clientKey == first.clientKey)
                #expect(site.line(for: again).isEmpty)
            }
        }
    }

    @Test("new clients are dealt out evenly in both modes", arguments: modes)
    func even(mode: CookieSettings.Mode) throws {
        let site = StickyRoute(cookieAffinity(mode), backends: backends("a", "b", "c"))
        var counts: [Int: Int] = [:]
        for _ in 0..<300 { counts[try #require(site.select()).backend, default: 0] += 1 }
        #expect(counts == [0: 100, 1: 100, 2: 100])
    }

    @Test(
        "a forged or foreign cookie is replaced in both modes", arguments: modes,
        [
            "garbage", "|", "5527bcca0bd221fcb9f44d85ffc6cc19|5a881deec44117eee2efd3540198e203",
            String(repeating: "A", count: 52), String(repeating: "A", count: 51),
            "AQ" + String(repeating: "A", count: 50), "\"\"",
        ])
    func forged(mode: CookieSettings.Mode, value: String) throws {
        let site = StickyRoute(cookieAffinity(mode), backends: backends("a", "b", "c"))
        let selection = try #require(site.select(cookies: ["INGRESSCOOKIE=\(value)"]))
        #expect(selection.reason == .forged && selection.setsCookie)
    }

    @Test(
        "a value in double quotes is that value (RFC 6265 §4.1.1)", arguments: modes,
        [("\"", "\"", true), ("\"", "", false), ("", "\"", false), ("\"\"", "\"\"", false)])
    func quoted(mode: CookieSettings.Mode, quotes: (String, String, isGood: Bool)) throws {
        let site = StickyRoute(cookieAffinity(mode), backends: backends("a", "b", "c"))
        let cookie = try #require(site.cookie(for: site.select()))
        let value = cookie.dropFirst("INGRESSCOOKIE=".count)
        let line = "a=\"b\"; INGRESSCOOKIE=\(quotes.0)\(value)\(quotes.1); c=d"
        #expect(site.select(cookies: [line])?.reason == (quotes.isGood ? .hit : .forged))
    }

    @Test(
        "cookies from before a service was called otherwise hold their clients", arguments: modes)
    func formerScope(mode: CookieSettings.Mode) throws {
        func site(_ scope: String, formerly former: String? = nil) -> StickyRoute {
            var service = ServiceProfile(
                name: "shop", position: 0, backends: backends("a", "b", "c", "d"))
            (service.sessionScope, service.formerScope) = (scope, former)
            let resources = RouteAffinity.Resources(
                authenticator: FakeAuthenticator(secrets: [1, 2]),
                sessions: SessionTable(limit: 10, seed: SessionTable.HashSeed(1, 2)),
                loads: BackendLoads())
            return StickyRoute(cookieAffinity(mode), service: service, resources: resources)
        }
        let old = site("shop:http")
        let new = site("shop:80", formerly: "shop:http")
        for _ in 0..<20 {
            let first = try #require(old.select())
            let cookies = [try #require(old.cookie(for: first))]
            for _ in 0..<2 {
                let again = try #require(new.select(cookies: cookies))
                #expect(again.backend == first.backend)
                #expect(again.reason == .hit && !again.setsCookie)
            }
            #expect(site("shop:80").select(cookies: cookies)?.reason == .forged)
            #expect(site("shop:80", formerly: "x").select(cookies: cookies)?.reason == .forged)
        }
        // What it writes itself is of its scope now.
        let mine = [try #require(new.cookie(for: new.select()))]
        #expect(site("shop:80").select(cookies: mine)?.reason == .hit)
    }

    @Test("an empty cookie counts as none", arguments: ["INGRESSCOOKIE=", "INGRESSCOOKIE= ; a=b"])
    func empty(cookies: String) throws {
        let site = StickyRoute(cookieAffinity(.persistent), backends: backends("a"))
        #expect(try #require(site.select(cookies: [cookies])).reason == .new)
    }

    @Test("of several cookies the first that verifies wins, else a new one is set")
    func severalCookies() throws {
        let site = StickyRoute(cookieAffinity(.persistent), backends: backends("a", "b", "c"))
        let first = try #require(site.select())
        let other = try #require(site.select())
        let mine = try #require(site.cookie(for: first))
        let theirs = try #require(site.cookie(for: other))
        let lines = ["x=1; INGRESSCOOKIE=junk; \(mine)", theirs]
        let selection = try #require(site.select(cookies: lines))
        #expect(selection.backend == first.backend && selection.reason == .hit)
        let junk = Array(repeating: "INGRESSCOOKIE=junk", count: 200)
        #expect(site.select(cookies: junk)?.reason == .forged)
    }

    @Test("a cookie older than Max-Age has expired", arguments: modes)
    func maxAge(mode: CookieSettings.Mode) throws {
        let site = StickyRoute(
            cookieAffinity(mode) { $0.maxAge = 100 }, backends: backends("a", "b"))
        let cookie = try #require(site.cookie(for: site.select()))
        site.client.unixSeconds += 99
        #expect(site.select(cookies: [cookie])?.reason == .hit)
        site.client.unixSeconds += 1
        let late = try #require(site.select(cookies: [cookie]))
        #expect(late.reason == .expired && late.setsCookie)
    }

    @Test("a fresh cookie wins over an expired one in front of it")
    func freshBehindExpired() throws {
        let site = StickyRoute(
            cookieAffinity(.persistent) { $0.maxAge = 100 }, backends: backends("a", "b"))
        let old = try #require(site.cookie(for: site.select()))
        site.client.unixSeconds += 200
        let fresh = try #require(site.select())
        let cookie = try #require(site.cookie(for: fresh))
        let selection = try #require(site.select(cookies: ["\(old); \(cookie)"]))
        #expect(selection.backend == fresh.backend && selection.reason == .hit)
    }

    @Test("a cookie from more than a day ahead is not believed, Max-Age or not")
    func fromTheFuture() throws {
        let site = StickyRoute(cookieAffinity(.persistent), backends: backends("a", "b"))
        let cookie = try #require(site.cookie(for: site.select()))
        site.client.unixSeconds -= 86_400
        #expect(site.select(cookies: [cookie])?.reason == .hit)
        site.client.unixSeconds -= 1
        #expect(site.select(cookies: [cookie])?.reason == .expired)
    }

    @Test("a Max-Age of 0 or less is sent and not enforced", arguments: [0, -1] as [Int64])
    func maxAgeNotPositive(seconds: Int64) throws {
        let site = StickyRoute(
            cookieAffinity(.persistent) { $0.maxAge = seconds }, backends: backends("a", "b"))
        let cookie = try #require(site.cookie(for: site.select()))
        site.client.unixSeconds += 1_000_000
        #expect(site.select(cookies: [cookie])?.reason == .hit)
    }

    @Test("no backend may serve: nobody is chosen", arguments: modes)
    func nobody(mode: CookieSettings.Mode) throws {
        let empty = StickyRoute(cookieAffinity(mode), backends: [])
        #expect(empty.select() == nil)
        let site = StickyRoute(cookieAffinity(mode), backends: backends("a"))
        let cookie = try #require(site.cookie(for: site.select()))
        site.setState(.down, of: "a")
        #expect(site.select() == nil)
        #expect(site.select(cookies: [cookie]) == nil)
    }

    @Test("a client that keeps coming costs no authentication code after its first request")
    func verifiedOnce() throws {
        let authenticator = FakeAuthenticator()
        let site = StickyRoute(
            cookieAffinity(.persistent), backends: backends("a", "b"),
            authenticator: authenticator)
        let cookie = try #require(site.cookie(for: site.select()))
        _ = site.select(cookies: [cookie])
        let calls = authenticator.callCount
        for _ in 0..<10 { #expect(site.select(cookies: [cookie])?.reason == .hit) }
        #expect(authenticator.callCount == calls)
    }

    @Test("without affinity the balancer decides and no cookie is set")
    func none() throws {
        let site = StickyRoute(AffinitySettings(), backends: backends("a", "b"))
        let first = try #require(site.select(cookies: ["INGRESSCOOKIE=x"]))
        let second = try #require(site.select())
        #expect(first.kind == .none && first.reason == .none && !first.setsCookie)
        #expect(first.backend != second.backend)
        #expect(site.line(for: first).isEmpty)
    }
}
