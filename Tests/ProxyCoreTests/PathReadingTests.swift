import ProxyCore
import StickyPolicy
import Testing

/// Paths that a backend may read otherwise than we do.
@Suite("Readings of a path")
struct PathReadingTests {
    private static let table = RouteTable(
        ["/", "/admin", "/app", "/app/admin"].map { path in
            Route(
                host: .any, path: path, pathType: .prefix, service: 0,
                treatment: RouteTreatment(affinity: AffinitySettings(kind: .none)),
                origin: RouteOrigin(object: "test"))
        })

    private func resolve(_ path: String) -> RouteMatch {
        let host: [UInt8] = []
        let path = Array(path.utf8)
        return Self.table.resolve(host: host.span, path: path.span)
    }

    @Test(
        "a path that all read alike goes where it says",
        arguments: [
            ("/", 0), ("/admin", 1), ("/admin/x.y", 1), ("/app/x..y/", 2), ("/app/admin/", 3),
            ("/apps", 0), ("", 0),
        ])
    func plain(path: String, route: Int) {
        #expect(resolve(path) == .route(route))
    }

    @Test(
        "what another reading leaves on the same route passes untouched",
        arguments: [
            ("/app/caf%C3%A9", 2), ("/app/.well-known", 2), ("/app//x", 2), ("/app/./x", 2),
            ("/app/a/../b", 2), ("/app/a%2Fb", 2), ("/app/100%25", 2), ("/app/%01", 2),
            ("/app/a\\b", 2), ("//app2", 0), ("/app/...", 2), ("/app/..a", 2),
        ])
    func harmless(path: String, route: Int) {
        #expect(resolve(path) == .route(route))
    }

    @Test(
        "what another reading takes to another route is ambiguous",
        arguments: [
            "/app/../admin", "/app/..", "/app/%2e%2e/admin", "/app/%2E./admin", "/app/..%2fadmin",
            "/app%2f..%2fadmin", "//admin", "/./admin", "/x/../admin", "/%61dmin", "/app/%61dmin",
            "/app\\..\\admin", "/app/..;/admin", "/app/..;a=b/admin", "/app%5cadmin", "/app//admin",
            "/app/x/..//admin", "/admin/..", "/app%2Fadmin",
        ])
    func ambiguous(path: String) {
        #expect(resolve(path) == .ambiguous)
    }

    @Test(
        "an encoding that backends need not read alike is ambiguous (RFC 3986 §2.1)",
        arguments: [
            "/%", "/app/100%", "/app/%zz", "/app/%2", "/app/%2g", "/app/%%32e", "/app/%u002e",
            "/app/a%00", "/%00", "/app/x%00.html",
        ])
    func brokenEncoding(path: String) {
        #expect(resolve(path) == .ambiguous)
    }

    @Test(
        "a path above the root is ambiguous, whatever the routes are",
        arguments: ["/..", "/../", "/a/../../b", "/%2e%2e/a", "/\\..\\.."])
    func aboveRoot(path: String) {
        #expect(resolve(path) == .ambiguous)
    }
}
