import ProxyCore
import StickyPolicy

/// Finds routes whose affinity cookies reach each other: under one name, host and path, one
/// service's cookie is sent to the other, and each takes it for foreign.
struct CookieOverlap {
    private struct Scope: Hashable {
        var name: String
        /// The cookie's domain, else the host of the route: without `Domain` a cookie is host-only
        /// (RFC 6265 §5.3 item 6).
        var host: String
    }

    private struct Entry {
        var path: String
        var route: Int
    }

    /// Pairs of routes: one, and the earlier one whose cookie reaches it. One pair for each route
    /// at most, found by sorting.
    static func find(
        in routes: [Route], of services: [Service]
    ) -> [(route: Int, reachedBy: Int)] {
        // Of nearly all scopes there is one route: those that share one are chained, the last
        // first, and no list is made for each.
        var last: [Scope: Int32] = [:]
        var before = [Int32](repeating: -1, count: routes.count)
        var shared: Set<Scope> = []
        for (index, route) in routes.enumerated() {
            guard case .cookie(let cookie) = route.affinity.kind else { continue }
            let scope = Scope(
                name: cookie.name, host: cookie.domain ?? route.host.text)
            if let earlier = last.updateValue(Int32(clamping: index), forKey: scope) {
                before[index] = earlier
                shared.insert(scope)
            }
        }
        let chains = shared.map { scope in
            sequence(first: last[scope] ?? -1) { before[Int($0)] }.prefix { $0 >= 0 }
        }
        return chains.flatMap { overlaps($0.map { entry(Int($0), routes) }, routes, services) }
            .sorted { $0.route < $1.route }
    }

    private static func entry(_ index: Int, _ routes: [Route]) -> Entry {
        let route = routes[index]
        guard case .cookie(let cookie) = route.affinity.kind else {
            return Entry(path: elements(route.path), route: index)
        }
        return Entry(path: elements(cookie.path ?? route.path), route: index)
    }

    /// The path with a slash at its end, so that one is a prefix of another exactly when its
    /// elements are (RFC 6265 §5.1.4).
    private static func elements(_ path: String) -> String {
        path.hasSuffix("/") ? path : path + "/"
    }

    private static func overlaps(
        _ entries: [Entry], _ routes: [Route], _ services: [Service]
    ) -> [(route: Int, reachedBy: Int)] {
        let sorted = entries.sorted { ($0.path, $0.route) < ($1.path, $1.route) }
        var result: [(route: Int, reachedBy: Int)] = []
        /// The paths that are prefixes of the one before.
        var open: [Entry] = []
        for entry in sorted {
            while let last = open.last, !entry.path.hasPrefix(last.path) { open.removeLast() }
            if let outer = open.last,
                services[routes[outer.route].service].scope
                    != services[routes[entry.route].service].scope
            {
                result.append((route: entry.route, reachedBy: outer.route))
            }
            open.append(entry)
        }
        return result
    }
}
