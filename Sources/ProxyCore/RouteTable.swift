package import StickyPolicy

/// Finds the route of a request: exact host, then wildcard host, then any; within a host the exact
/// path, then the longest prefix (the Ingress specification). Of a prefix and a regular expression
/// that both match, the longer text wins.
///
/// Immutable. A look-up hashes the host once and the path at most once, up to the longest path
/// that is configured for the host, so its cost grows neither with the number of hosts nor with
/// what a client sends.
package struct RouteTable: Sendable {
    private var hosts: ByteKeyedTable
    private var paths: ByteKeyedTable
    /// Position of the entry for routes without a host.
    private var anyHost: Int?
    private var entries: [HostEntry] = []
    private var patterns = RoutePatterns()

    /// Longest paths of one host: how far a request's path needs to be looked at.
    private struct HostEntry: Sendable {
        let id: UInt32
        var longestPrefix = 0
        var longestExact = 0
        /// Of the table's patterns.
        var patterns = 0..<0
    }

    /// Of several routes with one host, path and type the first wins.
    ///
    /// - Parameter compile: makes a path into what it matches, from its first byte on; a route
    ///   whose pattern it refuses is never found.
    package init(
        _ routes: [Route], compile: (String) -> (any PatternMatcher)? = { _ in nil }
    ) {
        hosts = ByteKeyedTable(capacity: routes.count)
        paths = ByteKeyedTable(capacity: routes.count)
        for (position, route) in routes.enumerated() {
            insert(route, at: position, matcher: route.isPattern ? compile(route.path) : nil)
        }
        let ranges = patterns.sort()
        for position in entries.indices {
            entries[position].patterns = ranges[entries[position].id] ?? 0..<0
        }
    }

    private mutating func insert(
        _ route: Route, at position: Int, matcher: (any PatternMatcher)?
    ) {
        let entryPosition = entryPosition(for: route.host)
        if case .any = route.host { anyHost = entryPosition }
        let id = entries[entryPosition].id
        let key = Array(route.path.utf8)
        guard !route.isPattern else {
            if let matcher { patterns.add(key, matcher, ofHost: id, route: position) }
            return
        }
        switch route.pathType {
        case .exact:
            paths.insert(key[...], salt: RouteTable.exactSalt(id), value: position)
            entries[entryPosition].longestExact = max(
                entries[entryPosition].longestExact, key.count)
        case .prefix, .implementationSpecific:
            // Elements decide, so a trailing slash says nothing: `/a/` is `/a`, and `/` is all.
            let trimmed = key.last == UInt8(ascii: "/") ? key.dropLast() : key[...]
            paths.insert(trimmed, salt: RouteTable.prefixSalt(id), value: position)
            entries[entryPosition].longestPrefix = max(
                entries[entryPosition].longestPrefix, trimmed.count)
        }
    }

    private mutating func entryPosition(for host: HostPattern) -> Int {
        let (key, salt): ([UInt8], UInt64) =
            switch host {
            case .any: ([], RouteTable.anySalt)
            case .exact(let name): (Array(name.utf8), RouteTable.hostSalt)
            case .wildcard(let suffix): (Array(suffix.utf8), RouteTable.wildcardSalt)
            }
        if let known = hosts.find(key.span, salt: salt) { return known }
        entries.append(HostEntry(id: UInt32(entries.count)))
        hosts.insert(key[...], salt: salt, value: entries.count - 1)
        return entries.count - 1
    }

    /// The position of the route for a request, or nil.
    ///
    /// - Parameters:
    ///   - host: as the client wrote it, without port.
    ///   - path: as the client wrote it, without query.
    package func match(host: Span<UInt8>, path: Span<UInt8>) -> Int? {
        match(host: host, path: path, read: path)
    }

    /// - Parameter reading: the path as a backend may read it, which is what patterns are for.
    func match(host: Span<UInt8>, path: Span<UInt8>, read reading: Span<UInt8>) -> Int? {
        // `shop.example.com.` is `shop.example.com` (RFC 3986 §3.2.2).
        let hasRootDot = host.count > 1 && host[host.count - 1] == UInt8(ascii: ".")
        let end = hasRootDot ? host.count - 1 : host.count
        if end > 0 {
            let name = host.extracting(..<end)
            if let entry = hosts.findIgnoringCase(name, salt: RouteTable.hostSalt),
                let route = match(path, read: reading, of: entries[entry])
            {
                return route
            }
            // A wildcard stands for one label, and a label is not empty.
            if let dot = name.indices.first(where: { name[$0] == UInt8(ascii: ".") }), dot > 0,
                let entry = hosts.findIgnoringCase(
                    name.extracting((dot + 1)...), salt: RouteTable.wildcardSalt),
                let route = match(path, read: reading, of: entries[entry])
            {
                return route
            }
        }
        guard let anyHost else { return nil }
        return match(path, read: reading, of: entries[anyHost])
    }

    private func match(
        _ path: Span<UInt8>, read reading: Span<UInt8>, of host: HostEntry
    ) -> Int? {
        if path.count <= host.longestExact,
            let route = paths.find(path, salt: RouteTable.exactSalt(host.id))
        {
            return route
        }
        let prefix = longestPrefix(of: path, host)
        guard !host.patterns.isEmpty else { return prefix?.route }
        return patterns.match(reading, in: host.patterns, from: prefix?.length ?? 0)
            ?? prefix?.route
    }

    /// Looks the path up as a whole and at each of its slashes, hashing it once along the way.
    private func longestPrefix(
        of path: Span<UInt8>, _ host: HostEntry
    ) -> (route: Int, length: Int)? {
        let salt = RouteTable.prefixSalt(host.id)
        var best: (route: Int, length: Int)?
        var hash = ByteKeyedTable.Hash(salt: salt)
        let end = min(path.count, host.longestPrefix)
        for length in 0...end {
            if length == path.count || path[length] == UInt8(ascii: "/"),
                let route = paths.find(path.extracting(..<length), hash: hash)
            {
                best = (route, length)
            }
            if length < end { hash.add(path[length]) }
        }
        return best
    }

    private static var hostSalt: UInt64 { 1 }
    private static var wildcardSalt: UInt64 { 2 }
    private static var anySalt: UInt64 { 3 }

    private static func exactSalt(_ id: UInt32) -> UInt64 { UInt64(id) << 2 | 1 }
    private static func prefixSalt(_ id: UInt32) -> UInt64 { UInt64(id) << 2 | 2 }
}
