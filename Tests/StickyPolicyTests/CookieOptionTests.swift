import HTTPParser
import Testing

@testable import StickyPolicy

@Suite("options of the affinity cookie")
struct CookieOptionTests {
    private func site(_ change: (inout CookieSettings) -> Void) -> StickyRoute {
        StickyRoute(cookieAffinity(.persistent, change), backends: backends("a", "b", "c"))
    }

    @Test("Partitioned is the last attribute")
    func partitioned() {
        let site = site {
            $0.partitioned = true
            $0.secure = true
            $0.sameSite = CookieSettings.SameSite.none
        }
        let line = site.line(for: site.select())
        #expect(line.hasSuffix("; Path=/; Secure; HttpOnly; SameSite=None; Partitioned"))
    }

    @Test("a response that sets the cookie is private, and only that one (RFC 9111 §3)")
    func noCache() throws {
        let site = site { $0.noCache = true }
        let first = try #require(site.select())
        #expect(site.line(for: first).hasSuffix("HttpOnlyCache-Control: private"))
        let cookie = try #require(site.cookie(for: first))
        #expect(site.line(for: site.select(cookies: [cookie])) == "")
    }

    @Test("a busy session lives on, and its cookie is renewed now and then")
    func renewal() throws {
        let site = site { $0.maxIdle = 100 }
        let first = try #require(site.select())
        var cookie = try #require(site.cookie(for: first))
        var renewals = 0
        for _ in 0..<100 {
            site.client.unixSeconds += 9
            let next = try #require(site.select(cookies: [cookie]))
            #expect(next.reason == .hit && next.backend == first.backend)
            if next.setsCookie {
                renewals += 1
                cookie = try #require(site.cookie(for: next))
            }
        }
        #expect(renewals == 50)
    }

    @Test("an idle session ends, not before its time", arguments: [(100, true), (121, false)])
    func idle(seconds: Int64, isAlive: Bool) throws {
        let site = site { $0.maxIdle = 100 }
        let cookie = try #require(site.cookie(for: site.select()))
        site.client.unixSeconds += seconds
        #expect(site.select(cookies: [cookie])?.reason == (isAlive ? .hit : .expired))
    }

    @Test("renewal does not lengthen Max-Age")
    func lifetime() throws {
        let site = site {
            $0.maxIdle = 50
            $0.maxAge = 120
        }
        var cookie = try #require(site.cookie(for: site.select()))
        for _ in 0..<3 {
            site.client.unixSeconds += 39
            let next = try #require(site.select(cookies: [cookie]))
            #expect(next.reason == .hit)
            cookie = try #require(site.cookie(for: next))
        }
        site.client.unixSeconds += 39
        #expect(site.select(cookies: [cookie])?.reason == .expired)
    }

    @Test("a cookie from before the option is kept until it was idle")
    func olderCookie() throws {
        let before = site { _ in }
        let after = site { $0.maxIdle = 1000 }
        let cookie = try #require(before.cookie(for: before.select()))
        after.client.unixSeconds += 900
        let next = try #require(after.select(cookies: [cookie]))
        #expect(next.reason == .hit && next.setsCookie)
        let renewed = try #require(after.cookie(for: next))
        #expect(before.select(cookies: [renewed])?.reason == .hit)
    }

    @Test("a renewed token that was changed is refused, wherever")
    func forgedRenewal() throws {
        let site = site { $0.maxIdle = 1000 }
        let cookie = try #require(site.cookie(for: site.select()))
        let bytes = Array(cookie.utf8)
        for position in 14..<bytes.count {
            var forged = bytes
            forged[position] = forged[position] == 0x41 ? 0x42 : 0x41
            let text = String(decoding: forged, as: UTF8.self)
            #expect(site.select(cookies: [text])?.reason == .forged)
        }
    }

    @Test("error instead of a move, for a lost backend and for one that is down")
    func onLost() throws {
        var settings = cookieAffinity(.persistent)
        settings.onLost = .error
        let site = StickyRoute(settings, backends: backends("a", "b"))
        let first = try #require(site.select())
        let cookie = try #require(site.cookie(for: first))
        site.setState(.down, of: try #require(site.name(first)))
        #expect(site.select(cookies: [cookie]) == nil)
        #expect(site.select() != nil)
        let other = StickyRoute(settings, backends: backends("c"))
        #expect(other.select(cookies: [cookie]) == nil)
    }

    @Test("a failed connection of a bound session is an error, that of a new one is not")
    func onLostConnection() throws {
        var settings = cookieAffinity(.persistent)
        settings.onLost = .error
        let site = StickyRoute(settings, backends: backends("a", "b"))
        let new = try #require(site.select())
        #expect(site.successor(of: new, tried: [new.backend]) != nil)
        let cookie = try #require(site.cookie(for: new))
        let bound = try #require(site.select(cookies: [cookie]))
        #expect(site.successor(of: bound, tried: [bound.backend]) == nil)
    }

    @Test(
        "the affinity cookie is taken out of the request, and nothing else",
        arguments: [
            ("INGRESSCOOKIE=x", ""), ("a=1; INGRESSCOOKIE=x; b=2", "Cookie: a=1; b=2\r\n"),
            ("INGRESSCOOKIE=x;a=1", "Cookie: a=1\r\n"),
            ("flag; INGRESSCOOKIE", "Cookie: flag; INGRESSCOOKIE\r\n"),
            ("NOTINGRESSCOOKIE=1;; ;INGRESSCOOKIE=y", "Cookie: NOTINGRESSCOOKIE=1\r\n"), ("", ""),
        ])
    func strip(line: String, rest: String) throws {
        let site = site { $0.strip = true }
        let scanner = try #require(site.route.strippedCookie)
        let request = TestRequest(cookies: [line, "z=9"])
        let written = text {
            scanner.appendOthers(of: request.head, in: request.bytes.span, to: &$0)
        }
        #expect(written == rest + "Cookie: z=9\r\n")
    }
}
