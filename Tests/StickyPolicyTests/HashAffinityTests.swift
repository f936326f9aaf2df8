import HTTPParser
import Synchronization
import Testing

@testable import StickyPolicy

@Suite("affinity by a field or an expression")
struct HashAffinityTests {
    private func request(_ user: String?) -> TestRequest {
        TestRequest(target: "/", fields: user.map { [("x-user", $0)] } ?? [])
    }

    private func owners(_ site: StickyRoute, keys: Int) -> [String] {
        (0..<keys).compactMap { site.name(site.select(request("user-\($0)"))) }
    }

    @Test("10,000 keys spread evenly by chi-square", arguments: [2, 3, 10, 50])
    func spread(count: Int) {
        let site = StickyRoute(headerAffinity(), backends: backends(count: count))
        var counts: [String: Int] = [:]
        for owner in owners(site, keys: 10_000) { counts[owner, default: 0] += 1 }
        let expected = 10_000 / Double(count)
        let chiSquare = counts.values.reduce(0.0) { sum, seen in
            sum + (Double(seen) - expected) * (Double(seen) - expected) / expected
        }
        // The mean is count - 1 and the variance twice that; four deviations are one in 10,000.
        let freedom = Double(count - 1)
        #expect(counts.count == count)
        #expect(chiSquare < freedom + 4 * (2 * freedom).squareRoot() + 4)
    }

    @Test("adding or removing one of n moves at most 1.2/n of the keys", arguments: [2, 3, 10, 50])
    func disruption(count: Int) {
        let small = StickyRoute(headerAffinity(), backends: backends(count: count))
        let large = StickyRoute(headerAffinity(), backends: backends(count: count + 1))
        let (before, after) = (owners(small, keys: 10_000), owners(large, keys: 10_000))
        let moved = zip(before, after).filter { $0 != $1 }
        #expect(Double(moved.count) <= 1.2 / Double(count) * 10_000)
        #expect(moved.allSatisfy { $0.1 == "b\(count)" })
    }

    @Test("an absent or empty field is balanced", arguments: [nil, ""] as [String?])
    func fallback(user: String?) {
        let site = StickyRoute(headerAffinity(), backends: backends("a", "b"))
        let selections = (0..<10).compactMap { _ in site.select(request(user)) }
        #expect(selections.allSatisfy { $0.reason == .fallback && $0.kind == .header })
        #expect(Set(selections.map(\.backend)).count == 2)
    }

    @Test("a key whose owner is down goes to the next owner and comes home, and says so")
    func failover() throws {
        let site = StickyRoute(headerAffinity(), backends: backends(count: 5))
        let home = try #require(site.select(request("me")))
        site.setState(.down, of: try #require(site.name(home)))
        let moved = try #require(site.select(request("me")))
        #expect(moved.reason == .down && moved.wasMoved)
        #expect(site.select(request("me"))?.backend == moved.backend)
        let next = try #require(site.successor(of: home, tried: [home.backend]))
        #expect(next.backend == moved.backend && next.reason == .down)
        site.setState(.ready, of: try #require(site.name(home)))
        #expect(site.select(request("me"))?.backend == home.backend)
    }

    @Test("a draining backend keeps the keys that it has seen, and gets no new ones")
    func drain() throws {
        let site = StickyRoute(headerAffinity(), backends: backends("a", "b"))
        let seen = (0..<100).map { "old-\($0)" }
        let homes = seen.map { site.name(site.select(request($0))) }
        site.setState(.drain, of: "a")
        #expect(seen.map { site.name(site.select(request($0))) } == homes)
        #expect((0..<100).allSatisfy { site.name(site.select(request("new-\($0)"))) == "b" })
    }

    @Test("nobody is given more than the share that the factor allows")
    func bounded() throws {
        let site = StickyRoute(
            headerAffinity { $0.balanceFactor = 125 }, backends: backends(count: 4))
        let loads = site.service.backends.map(\.load)
        for _ in 0..<100 {
            let selection = try #require(site.select(request("everybody")))
            loads[selection.backend].enter()
        }
        #expect(loads.map(\.open).reduce(0, +) == 100)
        #expect(loads.allSatisfy { $0.open <= 32 })
        #expect(loads.contains { $0.open == 32 })
    }

    @Test(
        "an expression reads what it names",
        arguments: [
            ("$request_uri", "/a%20b?x=1&Id=7"), ("$uri", "/a b"), ("$host", "shop.example.com"),
            ("$remote_addr", "192.0.2.1"), ("$http_x_user", "Zoe"), ("$cookie_sid", "42"),
            ("$cookie_SID", "42"),
            ("$arg_id", "7"), ("${host}-$arg_x", "shop.example.com-1"),
            ("v1$remote_addr$http_none", "v1192.0.2.1"), ("$args", "x=1&Id=7"),
            ("$request_method-$query_string", "GET-x=1&Id=7"), ("$content_type", "text/x"),
            ("$host$1", "shop.example.com"), ("$scheme$server_port", "https8443"),
            ("$server_name", "*.example.com"), ("$request", "GET /a%20b?x=1&Id=7 HTTP/1.1"),
            ("$uri$is_args$args", "/a b?x=1&Id=7"), ("$server_protocol", "HTTP/1.1"),
        ])
    func variables(expression: String, text: String) throws {
        let request = TestRequest(
            target: "/a%20b?x=1&Id=7", host: "Shop.Example.com:80",
            fields: [("X-User", "Zoe"), ("Cookie", "a=b; sid=42"), ("Content-Type", "text/x")])
        var parsed = try HashExpression(expression)
        parsed.serverName = "*.example.com"
        var client = ClientFacts(
            address: IPAddress(v4: 0xC000_0201), unixSeconds: 0, monotonicSeconds: 0)
        (client.isSecure, client.localPort) = (true, 8443)
        let key = KeyReader(parsed).key(of: request.head, in: request.bytes.span, from: client)
        #expect(key == checksum(text))
    }

    private func checksum(_ text: String) -> UInt32 {
        var crc = CRC32()
        crc.combine(Array(text.utf8))
        return crc.value
    }

    @Test(
        "$uri is decoded once, without dot segments and repeated slashes, as nginx has it",
        arguments: [
            ("/a//b", "/a/b"), ("/a/./b", "/a/b"), ("/a/b/../c", "/a/c"), ("/a/..", "/"),
            ("/../../a", "/a"), ("/a/%2e%2E/b", "/b"), ("/%2525", "/%25"), ("/a%zz", "/a%zz"),
            ("/a%2", "/a%2"), ("/%", "/%"), ("//", "/"), ("/a/b/.", "/a/b/"),
            ("/a/.b/..c", "/a/.b/..c"),
        ])
    func normalPath(target: String, path: String) throws {
        let request = TestRequest(target: target)
        let reader = KeyReader(try HashExpression("$uri"))
        let client = ClientFacts(
            address: IPAddress(v4: 0xC000_0201), unixSeconds: 0, monotonicSeconds: 0)
        let key = reader.key(of: request.head, in: request.bytes.span, from: client)
        #expect(key == checksum(path))
    }

    /// Finds what is behind the first slash, and counts how often it is asked.
    private final class Counting: PatternMatcher {
        let searches = Atomic<Int>(0)

        func matches(_ text: Span<UInt8>, within budget: inout SearchBudget) -> Bool? { true }

        func groups(of text: Span<UInt8>) -> PatternGroups? {
            searches.add(1, ordering: .relaxed)
            var groups = PatternGroups()
            groups[1] = 1..<text.count
            return groups
        }
    }

    @Test("a path is searched once for all groups of an expression, decoded as its route was")
    func searchedOnce() throws {
        let pattern = Counting()
        var expression = try HashExpression("$1-$2-$1")
        expression.pattern = PathPattern("/(.*)", matcher: pattern)
        let request = TestRequest(target: "/%61%62")
        let client = ClientFacts(
            address: IPAddress(v4: 0xC000_0201), unixSeconds: 0, monotonicSeconds: 0)
        let key = KeyReader(expression).key(
            of: request.head, in: request.bytes.span, from: client)
        #expect(key == checksum("ab--ab"))
        #expect(pattern.searches.load(ordering: .relaxed) == 1)
    }

    @Test("a variable that there is not contributes nothing, where that is wanted")
    func unknownVariable() throws {
        #expect(throws: HashExpression.Fault.unknownVariable("10")) {
            try HashExpression("$10-$host")
        }
        let expression = try HashExpression("$0-$host${nobody}", skipsUnknown: true)
        #expect(expression.parts == [.text("-"), .host])
        #expect(try HashExpression("$nobody", skipsUnknown: true).parts.isEmpty)
    }

    @Test("an expression of empty variables is no key, whatever text is in it")
    func emptyExpression() throws {
        let site = StickyRoute(try hashAffinity("v1-$http_x_user"), backends: backends("a", "b"))
        #expect(site.select(request(nil))?.reason == .fallback)
        #expect(site.select(request("a"))?.reason == .hash)
    }

    @Test("an IPv6 address is hashed as its text, and in binary as its 16 bytes")
    func addresses() throws {
        let address = try #require(IPAddress("2001:db8::1"))
        let request = TestRequest(target: "/")
        for (expression, bytes) in [
            ("$remote_addr", Array("2001:db8::1".utf8)),
            (
                "$binary_remote_addr",
                [0x20, 0x01, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [1]
            ),
        ] {
            var crc = CRC32()
            crc.combine(bytes)
            let reader = KeyReader(try HashExpression(expression))
            let client = ClientFacts(address: address, unixSeconds: 0, monotonicSeconds: 0)
            #expect(
                reader.key(of: request.head, in: request.bytes.span, from: client) == crc.value)
        }
    }

    @Test("the ring decides as ingress-nginx's does, and its next node in need")
    func ring() throws {
        let pods = ["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"]
        let site = StickyRoute(
            try hashAffinity("$uri"), backends: pods.map { BackendProfile(name: $0) })
        #expect(site.name(site.select(TestRequest(target: "/index.html"))) == pods[0])
        site.setState(.drain, of: pods[0])
        let moved = try #require(site.select(TestRequest(target: "/index.html")))
        #expect(moved.reason == .drain && site.name(moved) != pods[0])
    }

    @Test("groups are cut in order, and the last is filled up from the beginning")
    func groups() {
        #expect(HashAffinity.groups(of: 7, size: 3) == [[0, 1, 2], [3, 4, 5], [6, 0, 1]])
        #expect(HashAffinity.groups(of: 2, size: 3) == [[0, 1]])
        #expect(HashAffinity.groups(of: 6, size: 3) == [[0, 1, 2], [3, 4, 5]])
    }

    @Test("a key has one group, and all of the group serve it")
    func subset() throws {
        let site = StickyRoute(
            try hashAffinity("$uri") { $0.subsetSize = 3 }, backends: backends(count: 9))
        for key in 0..<20 {
            let chosen = Set(
                (0..<60).compactMap { _ in
                    site.select(TestRequest(target: "/\(key)"))?.backend
                })
            #expect([[0, 1, 2], [3, 4, 5], [6, 7, 8]].contains(chosen))
        }
    }

    @Test("a request that failed stays within its group, as long as that has somebody left")
    func subsetRetry() throws {
        let site = StickyRoute(
            try hashAffinity("$uri") { $0.subsetSize = 3 }, backends: backends(count: 9))
        for key in 0..<20 {
            let first = try #require(site.select(TestRequest(target: "/\(key)")))
            let start = first.backend / 3 * 3
            let second = try #require(site.successor(of: first, tried: [first.backend]))
            #expect((start..<start + 3).contains(second.backend))
            #expect(second.backend != first.backend && !second.wasMoved)
            let outside = try #require(
                site.successor(of: second, tried: [start, start + 1, start + 2]))
            #expect(outside.backend / 3 * 3 != start && outside.wasMoved)
        }
    }
}
