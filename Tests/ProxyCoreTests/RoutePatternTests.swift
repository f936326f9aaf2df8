import ProxyCore
import StickyPolicy
import Testing

/// Letters stand for themselves and `*` for any text, from the first byte on; `!` gives up.
private struct Glob: PatternMatcher {
    let pattern: [UInt8]

    func matches(_ text: Span<UInt8>, within budget: inout SearchBudget) -> Bool? {
        if pattern.contains(UInt8(ascii: "!")) { return nil }
        return matches(pattern[...], text.indices.map { text[$0] }[...])
    }

    private func matches(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return true }
        if first == UInt8(ascii: "*") {
            return (text.startIndex...text.endIndex).contains {
                matches(pattern.dropFirst(), text[$0...])
            }
        }
        return text.first == first && matches(pattern.dropFirst(), text.dropFirst())
    }

    func groups(of text: Span<UInt8>) -> PatternGroups? { nil }
}

@Suite("Routes by pattern")
struct RoutePatternTests {
    private func table(_ routes: [(String, PathType, Bool)]) -> RouteTable {
        RouteTable(
            routes.map { path, type, isPattern in
                var route = Route(
                    host: .any, path: path, pathType: type, service: 0,
                    treatment: RouteTreatment(affinity: AffinitySettings()),
                    origin: RouteOrigin(object: "test"))
                route.isPattern = isPattern
                return route
            },
            compile: { $0.contains("[") ? nil : Glob(pattern: Array($0.utf8)) })
    }

    private func find(_ path: String, in table: RouteTable) -> RouteMatch {
        let host: [UInt8] = []
        return table.resolve(host: host.span, path: Array(path.utf8).span)
    }

    @Test(
        "the longer text wins, whether pattern or prefix, and an exact path over all",
        arguments: [
            ("/a/x", 0), ("/a/b/c", 1), ("/a/b/cd/e", 2), ("/abc/x", 3), ("/a/b/c/d", 4),
            ("/z", nil), ("/x/a/b", nil), ("/long/prefix/x", 5),
        ] as [(String, Int?)])
    func order(path: String, route: Int?) {
        let table = table([
            ("/a/*", .implementationSpecific, true), ("/a/b/*", .implementationSpecific, true),
            ("/a/b/cd", .prefix, false), ("/abc", .prefix, false), ("/a/b/c/d", .exact, false),
            ("/long/prefix", .prefix, false), ("/l*x", .implementationSpecific, true),
        ])
        #expect(find(path, in: table) == route.map { .route($0) } ?? .none)
    }

    @Test("of patterns of one length the greater text is asked first, and a twin never")
    func ties() {
        let table = table([
            ("/a*c", .implementationSpecific, true), ("/ab*", .implementationSpecific, true),
            ("/ab*", .implementationSpecific, true),
        ])
        #expect(find("/abc", in: table) == .route(1))
        #expect(find("/axc", in: table) == .route(0))
    }

    @Test("a pattern that cannot be compiled is no match")
    func failures() {
        let table = table([("/ab[", .implementationSpecific, true), ("/", .prefix, false)])
        #expect(find("/abc", in: table) == .route(1))
    }

    @Test("behind a search that is given up no other route is taken, but before it and beside it")
    func exhaustion() {
        let table = table([
            ("/longer*x", .implementationSpecific, true), ("/abcd!", .implementationSpecific, true),
            ("/abc", .implementationSpecific, true), ("/", .prefix, false),
            ("/exact", .exact, false), ("/a/long/prefix", .prefix, false),
        ])
        for path in ["/abc", "/", "/%61bc"] { #expect(find(path, in: table) == .ambiguous) }
        #expect(find("/longer/x", in: table) == .route(0))
        #expect(find("/exact", in: table) == .route(4))
        #expect(find("/a/long/prefix/x", in: table) == .route(5))
    }

    @Test("a pattern is asked about the path as a backend reads it, and cannot be got around")
    func readings() {
        let table = table([
            ("/admin/*", .implementationSpecific, true), ("/", .prefix, false),
            ("/files/a b*", .implementationSpecific, true),
        ])
        for path in ["/admin/x", "/%61dmin/x", "/x/../admin/x", "//admin/x"] {
            #expect(find(path, in: table) == .route(0))
        }
        #expect(find("/files/a%20b.txt", in: table) == .route(2))
        #expect(find("/../admin/x", in: table) == .ambiguous)
    }
}
