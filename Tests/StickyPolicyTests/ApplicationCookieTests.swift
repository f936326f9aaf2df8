import HTTPParser
import Testing

@testable import StickyPolicy

@Suite("an application's own cookie")
struct ApplicationCookieTests {
    private func site(_ mode: ApplicationCookieSettings.Mode) -> StickyRoute {
        StickyRoute(
            AffinitySettings(kind: .application(ApplicationCookieSettings(mode: mode))),
            backends: backends("node1", "node2", "node3"))
    }

    private func request(
        cookie: String? = nil, target: String = "/"
    ) -> TestRequest {
        TestRequest(target: target, fields: cookie.map { [("Cookie", $0)] } ?? [])
    }

    /// Has the backend of a selection answer with these Set-Cookie lines.
    @discardableResult
    private func answer(
        _ site: StickyRoute, _ selection: Selection, _ lines: [String]
    ) -> Selection {
        var bytes: [UInt8] = []
        var head = ResponseHead()
        for line in lines {
            let start = bytes.count
            bytes += Array("Set-Cookie: \(line)\r\n".utf8)
            head.fields.append(
                Field(
                    name: ByteRange(start, start + 10),
                    value: ByteRange(start + 12, bytes.count - 2), lineEnd: bytes.count,
                    known: .setCookie))
        }
        var learned = selection
        site.selector.learn(
            from: head, in: bytes.span, of: &learned, for: (site.route, site.client))
        return learned
    }

    @Test("a tunnel whose 101 begins a session holds that session")
    func tunnelOfNewSession() throws {
        let site = site(.learn(timeoutSeconds: 100))
        let first = try #require(site.select(request()))
        #expect(site.route.hold(first, for: site.client) == nil)
        let opened = answer(site, first, ["JSESSIONID=abc"])
        let hold = try #require(site.route.hold(opened, for: site.client))
        site.client.monotonicSeconds += 1_000
        #expect(site.select(request(cookie: "JSESSIONID=abc"))?.reason == .hit)
        hold.release(monotonicSeconds: site.client.monotonicSeconds)
        site.client.monotonicSeconds += 101
        #expect(site.select(request(cookie: "JSESSIONID=abc"))?.reason == .new)
    }

    @Test(
        "learned from the response, known in the cookie, the path and the query",
        arguments: [
            ("a=b; JSESSIONID=abc", "/"), ("JSESSIONID=none; JSESSIONID=abc", "/"),
            (nil, "/shop;jsessionid=abc"), (nil, "/shop;v=1;JSESSIONID=abc/item"),
            (nil, "/shop?x=1&jsessionid=abc"), ("JSESSIONID=other", "/shop;jsessionid=abc"),
        ] as [(String?, String)])
    func learn(cookie: String?, target: String) throws {
        for _ in 0..<3 {
            let site = site(.learn(timeoutSeconds: 100))
            let first = try #require(site.select(request()))
            #expect(first.reason == .new && first.kind == .learned && !first.setsCookie)
            answer(site, first, ["theme=dark", "JSESSIONID=abc; Path=/; HttpOnly"])
            let next = try #require(site.select(request(cookie: cookie, target: target)))
            #expect(next.reason == .hit && next.backend == first.backend)
        }
    }

    @Test("an id ends after the timeout, and an open tunnel holds it")
    func timeout() throws {
        let site = site(.learn(timeoutSeconds: 100))
        answer(site, try #require(site.select(request())), ["JSESSIONID=abc"])
        site.client.monotonicSeconds += 100
        let hit = try #require(site.select(request(cookie: "JSESSIONID=abc")))
        let hold = try #require(site.route.hold(hit, for: site.client))
        site.client.monotonicSeconds += 1000
        #expect(site.select(request(cookie: "JSESSIONID=abc"))?.reason == .hit)
        hold.release(monotonicSeconds: site.client.monotonicSeconds)
        site.client.monotonicSeconds += 101
        #expect(site.select(request(cookie: "JSESSIONID=abc"))?.reason == .new)
    }

    @Test(
        "what sets no id teaches nothing",
        arguments: ["JSESSIONID=", "JSESSIONID", "jsessionid=abc", "XJSESSIONID=abc", "=abc", ""])
    func notLearned(line: String) throws {
        let site = site(.learn(timeoutSeconds: 100))
        answer(site, try #require(site.select(request())), [line])
        #expect(site.sessions.count == 0)
    }

    @Test("an id that nobody knows goes to one backend, and is not remembered")
    func unknown() throws {
        let site = site(.learn(timeoutSeconds: 100))
        let chosen = Set(
            (0..<10).compactMap { _ in site.select(request(cookie: "JSESSIONID=zzz"))?.backend })
        #expect(chosen.count == 1 && site.sessions.count == 0)
    }

    @Test("the session of a lost backend moves for good")
    func lost() throws {
        let site = site(.learn(timeoutSeconds: 100))
        let first = try #require(site.select(request()))
        answer(site, first, ["JSESSIONID=abc"])
        site.setState(.down, of: try #require(site.name(first)))
        let moved = try #require(site.select(request(cookie: "JSESSIONID=abc")))
        #expect(moved.reason == .down && moved.wasMoved)
        site.setState(.ready, of: try #require(site.name(first)))
        let after = try #require(site.select(request(cookie: "JSESSIONID=abc")))
        #expect(after.reason == .hit && after.backend == moved.backend)
    }

    @Test(
        "the name behind the last dot is the backend",
        arguments: [("abc.node2", "node2"), ("a.b.c.node3", "node3"), ("x.node1", "node1")])
    func suffix(id: String, name: String) throws {
        let site = site(.routeSuffix)
        for (cookie, target) in [("JSESSIONID=\(id)", "/"), (nil, "/;jsessionid=\(id)")] {
            let selection = try #require(site.select(request(cookie: cookie, target: target)))
            #expect(selection.kind == .suffix && selection.reason == .hit)
            #expect(site.name(selection) == name)
        }
    }

    @Test(
        "without a name the client is new, and with one that is gone the session is lost",
        arguments: [
            ("abc", AffinityReason.new), ("abc.", .new), ("abc.node9", .lost), (".node9", .lost),
        ])
    func noSuffix(id: String, reason: AffinityReason) throws {
        let site = site(.routeSuffix)
        let selections = (0..<5).compactMap { _ in
            site.select(request(cookie: "JSESSIONID=\(id)"))
        }
        #expect(selections.count == 5 && selections.allSatisfy { $0.reason == reason })
        #expect(Set(selections.map(\.backend)).count == 1)
    }
}
