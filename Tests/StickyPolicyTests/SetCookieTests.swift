import HTTPParser
import Testing

@testable import StickyPolicy

@Suite("Set-Cookie as ingress-nginx writes it")
struct SetCookieTests {
    private func line(
        path: String = "/", isSecure: Bool = false, omitsSameSite: Bool = false,
        at unixSeconds: Int64 = 0, value: StaticString = "v",
        _ change: (inout CookieSettings) -> Void
    ) -> String {
        var settings = CookieSettings()
        change(&settings)
        let conditions = SetCookie.Conditions(
            isSecure: isSecure, omitsSameSite: omitsSameSite, unixSeconds: unixSeconds)
        return text {
            SetCookie(settings, routePath: path)
                .appendLine(conditions, to: &$0) { $0.append(value) }
        }
    }

    @Test("default settings over http")
    func plain() {
        let value: StaticString =
            "5527bcca0bd221fcb9f44d85ffc6cc19|5a881deec44117eee2efd3540198e203"
        #expect(
            line(value: value) { _ in }
                == "Set-Cookie: INGRESSCOOKIE=5527bcca0bd221fcb9f44d85ffc6cc19|"
                + "5a881deec44117eee2efd3540198e203; Path=/; HttpOnly\r\n")
    }

    @Test("Expires, Max-Age and Secure over https")
    func full() {
        let value: StaticString = "1700000000.123.27.482913|5a881deec44117eee2efd3540198e203"
        // Two days before Sun, 12 Feb 2017 14:11:12.
        let line = line(isSecure: true, at: 1_486_908_672 - 172_800, value: value) {
            $0.name = "route"
            $0.expires = 172_800
            $0.maxAge = 172_800
        }
        #expect(
            line == "Set-Cookie: route=1700000000.123.27.482913|5a881deec44117eee2efd3540198e203; "
                + "Expires=Sun, 12-Feb-17 14:11:12 GMT; Max-Age=172800; Path=/; Secure; "
                + "HttpOnly\r\n")
    }

    @Test("every attribute in its place")
    func everything() {
        let line = line(path: "/rule") {
            $0.expires = 0
            $0.maxAge = -1
            $0.domain = "example.com"
            $0.path = "/shop"
            $0.secure = true
            $0.sameSite = .strict
        }
        #expect(
            line == "Set-Cookie: INGRESSCOOKIE=v; Expires=Thu, 01-Jan-70 00:00:00 GMT; Max-Age=-1; "
                + "Domain=example.com; Path=/shop; Secure; HttpOnly; SameSite=Strict\r\n")
    }

    @Test("the path is the rule's, and / where the rule has none")
    func path() {
        #expect(line(path: "/something") { _ in }.contains("; Path=/something; HttpOnly"))
        #expect(line(path: "") { _ in }.contains("; Path=/; HttpOnly"))
        #expect(line(path: "/x") { $0.path = "" }.contains("; Path=/; HttpOnly"))
    }

    @Test("false for secure does not remove Secure where the connection is TLS")
    func secure() {
        #expect(line(isSecure: true) { $0.secure = false }.contains("; Secure"))
        #expect(line(isSecure: false) { $0.secure = true }.contains("; Secure"))
        #expect(!line(isSecure: false) { $0.secure = false }.contains("Secure"))
    }

    @Test("a configuration cannot write other attributes or fields")
    func injection() {
        let line = line(path: "/a; Secure\r\nX: y") { $0.domain = "d\u{7F};e" }
        #expect(line == "Set-Cookie: INGRESSCOOKIE=v; Domain=de; Path=/a SecureX: y; HttpOnly\r\n")
    }

    @Test("an Expires beyond all years is the last moment of 9999", arguments: [Int64.max, .min])
    func extremes(seconds: Int64) {
        let line = line(at: 1_700_000_000) { $0.expires = seconds }
        let date = seconds > 0 ? "Fri, 31-Dec-9999 23:59:59 GMT" : "Thu, 01-Jan-70 00:00:00 GMT"
        #expect(line.contains("; Expires=\(date);"))
    }

    @Test("a writer that is too small overflows and does not trap")
    func overflow() {
        var writer = ByteWriter(capacity: 20)
        SetCookie(CookieSettings(), routePath: "/").appendLine(
            SetCookie.Conditions(isSecure: true, omitsSameSite: false, unixSeconds: 0), to: &writer
        ) { $0.append("value") }
        let hasOverflowed = writer.hasOverflowed
        #expect(hasOverflowed)
    }
}

@Suite("conditional SameSite=None")
struct ConditionalSameSiteTests {
    private static let safari =
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        + "Version/12.1.2 Safari/605.1.15"

    private func line(userAgent: String?, sameSite: CookieSettings.SameSite = .none) -> String {
        let site = StickyRoute(
            cookieAffinity(.persistent) {
                $0.sameSite = sameSite
                $0.conditionalSameSiteNone = true
            }, backends: backends("a"))
        return site.line(for: site.select(TestRequest(userAgent: userAgent)))
    }

    @Test(
        "left out for browsers that mistake it",
        arguments: [
            "Mozilla/5.0 (X11; Linux x86_64) Chrome/51.0.2704.103 Safari/537.36", "Chrome/4",
            "Mozilla/5.0 Chrome/66.0", "Chrome/49.0",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 12_0 like Mac OS X)",
            "Mozilla/5.0 (iPad; CPU OS 12_3 like Mac OS X)", safari,
        ])
    func omitted(userAgent: String) {
        #expect(line(userAgent: userAgent).hasSuffix("; HttpOnly"))
        #expect(line(userAgent: userAgent, sameSite: .lax).hasSuffix("; SameSite=Lax"))
    }

    @Test(
        "kept for all others",
        arguments: [
            nil, "", "Chrome/", "Mozilla/5.0 Chrome/70.0", "Mozilla/5.0 Chrome/140.0 Safari/537.36",
            "chrome/51", "CPU iPhone OS 13_0", "iPad; CPU OS 13", safari + " Chrome/99",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/13 Safari/605.1.15",
        ])
    func kept(userAgent: String?) {
        #expect(line(userAgent: userAgent).hasSuffix("; HttpOnly; SameSite=None"))
    }

    @Test("without the condition every browser gets it")
    func unconditional() {
        let site = StickyRoute(
            cookieAffinity(.persistent) { $0.sameSite = .some(.none) }, backends: backends("a"))
        let selection = site.select(TestRequest(userAgent: "Chrome/51"))
        #expect(site.line(for: selection).hasSuffix("; SameSite=None"))
    }
}
