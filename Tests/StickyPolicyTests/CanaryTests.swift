import HTTPParser
import Testing

@testable import StickyPolicy

private struct Prefix: PatternMatcher {
    let text: [UInt8]

    func matches(_ value: Span<UInt8>, within budget: inout SearchBudget) -> Bool? {
        if value.count > 20 { return nil }
        guard value.count >= text.count else { return false }
        return text.indices.allSatisfy { value[$0] == text[$0] }
    }

    func groups(of text: Span<UInt8>) -> PatternGroups? { nil }
}

@Suite("canaries")
struct CanaryTests {
    private final class Site {
        let route: RouteAffinity
        var selector: BackendSelector
        let client = ClientFacts(
            address: IPAddress(v4: 1), unixSeconds: 1_700_000_000, monotonicSeconds: 10)

        init(
            _ affinity: AffinitySettings = AffinitySettings(), canaryBackends: Int = 2,
            _ change: (inout CanarySettings) -> Void
        ) {
            var settings = CanarySettings()
            change(&settings)
            let services = [
                ServiceProfile(name: "main", position: 0, backends: backends(count: 3)),
                ServiceProfile(
                    name: "next", position: 1, backends: backends(count: canaryBackends)),
            ]
            let resources = RouteAffinity.Resources(
                authenticator: FakeAuthenticator(),
                sessions: SessionTable(limit: 100, seed: SessionTable.HashSeed(1, 2)),
                loads: BackendLoads())
            var ofCanary = affinity
            if !settings.isSticky { ofCanary.kind = .none }
            let primary = RouteAffinity(
                affinity, path: "/", service: services[0], resources: resources)
            let canary = RouteAffinity(
                ofCanary, path: "/", service: services[1], resources: resources)
            let pattern = settings.headerPattern.map { Prefix(text: Array($0.utf8)) }
            route = RouteAffinity(
                primary, canary: canary, chosenBy: CanaryRule(settings, pattern: pattern))
            selector = BackendSelector(services: services, seed: 1)
        }

        func select(_ fields: (String, String)...) -> Selection? {
            let request = TestRequest(target: "/", fields: fields)
            return selector.select(
                for: route, head: request.head, in: request.bytes.span, from: client)
        }

        func isCanary(_ fields: (String, String)...) -> Bool? {
            let request = TestRequest(target: "/", fields: fields)
            return selector.select(
                for: route, head: request.head, in: request.bytes.span, from: client)?.isCanary
        }

        func cookie(_ selection: Selection?) -> String {
            guard let selection else { return "" }
            let line = text {
                route.route(of: selection).appendSetCookie(
                    for: selection, isSecure: false, at: client.unixSeconds, to: &$0)
            }
            return String(line.dropFirst(12).prefix { $0 != ";" })
        }
    }

    @Test("the field's always and never, any other word is not heard")
    func header() {
        let site = Site { $0.header = "X-Canary" }
        #expect(site.isCanary(("x-canary", "always")) == true)
        #expect(site.isCanary(("X_Canary", "always")) == true)
        #expect(site.isCanary(("X-Canary", "never")) == false)
        #expect(site.isCanary(("X-Canary", "Always")) == false)
        #expect(site.select(("X-Canary", "always"))?.reason == .canary)
    }

    @Test("with a value of its own, always and never mean nothing, and the cookie is asked")
    func headerValue() {
        let site = Site {
            $0.header = "X-Canary"
            $0.headerValue = "me"
            $0.headerPattern = "ignored"
            $0.cookie = "beta"
        }
        #expect(site.isCanary(("X-Canary", "me")) == true)
        #expect(site.isCanary(("X-Canary", "always")) == false)
        #expect(site.isCanary(("X-Canary", "always"), ("Cookie", "beta=always")) == true)
        #expect(site.isCanary(("X-Canary", "ignored")) == false)
    }

    @Test("a pattern, and one whose search is given up stays on the primary")
    func pattern() {
        let site = Site {
            $0.header = "X-Canary"
            $0.headerPattern = "de"
            $0.cookie = "beta"
        }
        #expect(site.isCanary(("X-Canary", "de-AT")) == true)
        #expect(site.isCanary(("X-Canary", "fr"), ("Cookie", "beta=always")) == true)
        let long = String(repeating: "d", count: 30)
        #expect(site.isCanary(("X-Canary", long), ("Cookie", "beta=always")) == false)
    }

    @Test("field before cookie before weight")
    func order() {
        let site = Site {
            $0.header = "X-Canary"
            $0.cookie = "beta"
            $0.weight = 100
        }
        #expect(site.isCanary() == true)
        #expect(site.isCanary(("Cookie", "beta=never")) == false)
        // As nginx compares names of cookies.
        #expect(site.isCanary(("Cookie", "Beta=never")) == false)
        #expect(site.isCanary(("X-Canary", "always"), ("Cookie", "beta=never")) == true)
    }

    @Test(
        "weight of total, and a total below 100 is 100",
        arguments: [(30, 100, 0.3), (30, 10, 0.3), (30, 1000, 0.03), (0, 100, 0), (100, 100, 1)])
    func weight(weight: Int, total: Int, share: Double) {
        let site = Site {
            $0.weight = weight
            $0.weightTotal = total
        }
        let hits = (0..<4000).count { _ in site.isCanary() == true }
        #expect(abs(Double(hits) / 4000 - share) < 0.03)
    }

    @Test("a bound client stays where it is, whatever it asks for")
    func sticky() throws {
        let site = Site(cookieAffinity(.persistent)) { $0.header = "X-Canary" }
        let onMain = site.cookie(site.select())
        let onNext = site.cookie(site.select(("X-Canary", "always")))
        #expect(site.isCanary(("Cookie", onMain), ("X-Canary", "always")) == false)
        #expect(site.isCanary(("Cookie", onNext), ("X-Canary", "never")) == true)
        let hit = try #require(site.select(("Cookie", onNext)))
        #expect(hit.isCanary && hit.reason == .hit && !hit.setsCookie)
        let next = site.selector.successor(
            of: hit, for: site.route, excluding: TriedBackends(), from: site.client)
        #expect(next?.isCanary == true)
    }

    @Test("with precedence rule a client can change sides")
    func rule() throws {
        let site = Site(cookieAffinity(.persistent)) {
            $0.header = "X-Canary"
            $0.precedence = .rule
        }
        let onMain = site.cookie(site.select())
        let moved = try #require(site.select(("Cookie", onMain), ("X-Canary", "always")))
        #expect(moved.isCanary && moved.reason == .canary && moved.setsCookie)
        #expect(site.isCanary(("Cookie", onMain)) == false)
        #expect(site.isCanary(("Cookie", site.cookie(moved))) == true)
    }

    @Test("legacy: the canary binds nobody, and the primary's clients stay with it")
    func legacy() throws {
        let site = Site(cookieAffinity(.persistent)) {
            $0.header = "X-Canary"
            $0.isSticky = false
        }
        let selection = try #require(site.select(("X-Canary", "always")))
        #expect(selection.isCanary && !selection.setsCookie)
        let onMain = site.cookie(site.select())
        #expect(site.isCanary(("Cookie", onMain), ("X-Canary", "always")) == false)
    }

    @Test("a canary without backends gets nobody")
    func empty() {
        let site = Site(canaryBackends: 0) { $0.weight = 100 }
        #expect(site.isCanary() == false)
    }

    @Test("a session of the canary is answered with an error, too, rather than moved")
    func onLost() {
        var affinity = cookieAffinity(.persistent)
        affinity.onLost = .error
        let site = Site(affinity) { $0.header = "X-Canary" }
        let cookie = site.cookie(site.select(("X-Canary", "always")))
        for backend in 0..<2 { site.selector.setState(of: backend, inService: 1, to: .down) }
        #expect(site.select(("Cookie", cookie)) == nil)
        #expect(site.isCanary(("X-Canary", "always")) == false)
    }
}
