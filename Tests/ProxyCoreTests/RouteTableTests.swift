import ProxyCore
import StickyPolicy
import Testing

@Suite("The route table")
struct RouteTableTests {
    /// The table of the Ingress specification.
    @Test(
        "paths match as the Ingress specification says",
        arguments: [
            (.prefix, "/", "/anything", true), (.prefix, "/", "/", true),
            (.exact, "/foo", "/foo", true), (.exact, "/foo", "/foo/", false),
            (.exact, "/foo", "/bar", false), (.exact, "/foo", "/FOO", false),
            (.exact, "/foo/", "/foo", false), (.exact, "/foo/", "/foo/", true),
            (.prefix, "/foo", "/foo", true), (.prefix, "/foo", "/foo/", true),
            (.prefix, "/foo", "/FOO", false),
            (.prefix, "/foo/", "/foo", true), (.prefix, "/foo/", "/foo/", true),
            (.prefix, "/aaa/bb", "/aaa/bbb", false), (.prefix, "/aaa/bbb", "/aaa/bbb", true),
            (.prefix, "/aaa/bbb/", "/aaa/bbb", true), (.prefix, "/aaa/bbb", "/aaa/bbb/", true),
            (.prefix, "/aaa/bbb", "/aaa/bbb/ccc", true),
            (.prefix, "/aaa/bbb", "/aaa/bbbxyz", false),
            (.implementationSpecific, "/imp", "/impx", false),
            (.implementationSpecific, "/imp", "/imp/x", true),
        ] as [(PathType, String, String, Bool)])
    func paths(type: PathType, path: String, request: String, matches: Bool) {
        let table = RouteTable([route(.any, path, type)])
        #expect(table.find("h", request) == (matches ? 0 : nil))
    }

    @Test("the longest prefix wins, and an exact path over a prefix of the same length")
    func precedence() {
        let table = RouteTable([
            route(.any, "/", .prefix), route(.any, "/aaa", .prefix),
            route(.any, "/aaa/bbb", .prefix), route(.any, "/foo", .prefix),
            route(.any, "/foo", .exact),
        ])
        #expect(table.find("h", "/aaa/bbb/c") == 2)
        #expect(table.find("h", "/aaa/ccc") == 1)
        #expect(table.find("h", "/aaaccc") == 0)
        #expect(table.find("h", "/foo") == 4)
        #expect(table.find("h", "/foo/x") == 3)
    }

    @Test("an exact host goes before a wildcard, a wildcard before none")
    func hosts() {
        let table = RouteTable([
            route(.any, "/", .prefix), route(.wildcard(suffix: "foo.com"), "/", .prefix),
            route(.exact("bar.foo.com"), "/", .prefix),
        ])
        #expect(table.find("bar.foo.com", "/") == 2)
        #expect(table.find("BAR.Foo.com", "/") == 2)
        #expect(table.find("bar.foo.com.", "/") == 2)
        #expect(table.find("baz.foo.com", "/") == 1)
        #expect(table.find("a.baz.foo.com", "/") == 0)
        #expect(table.find("foo.com", "/") == 0)
        #expect(table.find(".foo.com", "/") == 0)
        #expect(table.find("", "/") == 0)
    }

    @Test("a rule without a host also serves a known host whose own paths do not match")
    func hostFallsThrough() {
        let table = RouteTable([
            route(.exact("shop.test"), "/api", .prefix), route(.any, "/", .prefix),
        ])
        #expect(table.find("shop.test", "/api/x") == 0)
        #expect(table.find("shop.test", "/other") == 1)
    }

    @Test("a host is known by its name alone, whatever the path")
    func firstRouteOfHost() {
        let routes = [
            route(.any, "/any", .prefix), route(.wildcard(suffix: "foo.com"), "/w", .prefix),
            route(.exact("bar.foo.com"), "/a", .exact), route(.exact("bar.foo.com"), "/b", .prefix),
        ]
        let names = [
            ("bar.foo.com", 2), ("BAR.foo.com.", 2), ("x.foo.com", 1), ("a.x.foo.com", 0), ("", 0),
        ]
        for (name, first) in names {
            #expect(RouteTable(routes).firstRoute(ofHost: Array(name.utf8).span) == first)
        }
        let named = RouteTable(Array(routes.dropFirst()))
        #expect(named.firstRoute(ofHost: Array("other.test".utf8).span) == nil)
    }

    @Test("nothing matches where nothing is configured")
    func nothing() {
        #expect(RouteTable([]).find("h", "/") == nil)
        #expect(RouteTable([route(.exact("a.test"), "/", .prefix)]).find("b.test", "/") == nil)
    }

    @Test("of equal rules the first wins")
    func duplicates() {
        let table = RouteTable([route(.any, "/a", .prefix), route(.any, "/a/", .prefix)])
        #expect(table.find("h", "/a") == 0)
    }

    @Test("ten thousand hosts and paths are all found")
    func many() {
        let routes = (0..<10_000).map { number in
            route(.exact("h\(number).test"), "/p\(number % 7)", .prefix)
        }
        let table = RouteTable(routes)
        for number in stride(from: 0, to: 10_000, by: 37) {
            #expect(table.find("h\(number).test", "/p\(number % 7)/x") == number)
            #expect(table.find("h\(number).test", "/none") == nil)
        }
        let onOneHost = RouteTable(
            (0..<10_000).map { route(.exact("one.test"), "/p/\($0)", .prefix) })
        #expect(onOneHost.find("one.test", "/p/9876/more") == 9876)
    }
}

private func route(_ host: HostPattern, _ path: String, _ type: PathType) -> Route {
    Route(
        host: host, path: path, pathType: type, service: 0,
        treatment: RouteTreatment(affinity: AffinitySettings()),
        origin: RouteOrigin(object: "test"))
}

extension RouteTable {
    fileprivate func find(_ host: String, _ path: String) -> Int? {
        let host = Array(host.utf8)
        let path = Array(path.utf8)
        return match(host: host.span, path: path.span)
    }
}
