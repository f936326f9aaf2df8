package import StickyPolicy

/// Finds the route of a request: exact host, then wildcard host, then any; within a host the exact
/// path, then the longest prefix (the Ingress specification). Of a prefix and a regular expression
/// that both match, the longer text wins.
///
/// Immutable, and a class: a snapshot hands it out without copies. A look-up hashes the host once
/// and the path at most twice, up to the longest path that is configured for the host, so its cost
/// grows neither with the number of hosts nor with what a client sends.
package final class RouteTable: Sendable {
    private let hosts: ByteKeyedTable
    private let paths: ByteKeyedTable
    /// Position of the entry for routes without a host.
    private let anyHost: Int?
    private let entries: [HostEntry]
    private let patterns: RoutePatterns

    /// Longest paths of one host: how far a request's path needs to be looked at. There may be
    /// hundreds of thousands.
    private struct HostEntry: Sendable {
        let id: UInt32
        /// The first in the file.
        let firstRoute: UInt32
        var longestPrefix: UInt32 = 0
        var longestExact: UInt32 = 0
        /// Of the table's patterns.
        var patterns: Range<UInt32> = 0..<0
    }

    /// Of several routes with one host, path and type the first wins.
    ///
    /// - Parameter compile: makes a path into what it matches, from its first byte on; a route
    ///   whose pattern it refuses is never found.
    package init(
        _ routes: [Route], compile: (String) -> (any PatternMatcher)? = { _ in nil }
    ) {
        var draft = RouteTableDraft(capacity: routes.count)
        for (position, route) in routes.enumerated() {
            draft.insert(route, at: position, matcher: route.isPattern ? compile(route.path) : nil)
        }
        draft.finish()
        (hosts, paths, anyHost) = (draft.hosts, draft.paths, draft.anyHost)
        (entries, patterns) = (draft.entries, draft.patterns)
    }

    /// A table that is being filled.
    private struct RouteTableDraft {
        var hosts: ByteKeyedTable
        var paths: ByteKeyedTable
        var anyHost: Int?
        var entries: [HostEntry] = []
        var patterns = RoutePatterns()

        init(capacity: Int) {
            hosts = ByteKeyedTable(capacity: capacity)
            paths = ByteKeyedTable(capacity: capacity)
            // Grown step by step, it would leave its smaller selves behind in the heap.
            entries.reserveCapacity(capacity)
        }

        mutating func insert(_ route: Route, at position: Int, matcher: (any PatternMatcher)?) {
            let entry = entryPosition(for: route.host, firstRoute: position)
            if case .any = route.host { anyHost = entry }
            let id = entries[entry].id
            let key = Array(route.path.utf8)
            guard !route.isPattern else {
                if let matcher { patterns.add(key, matcher, ofHost: id, route: position) }
                return
            }
            switch route.pathType {
            case .exact:
                let hash = ByteKeyedTable.Hash(of: key.span, salt: RouteTable.exactSalt(id))
                paths.insert(key.span, hash: hash, value: position)
                entries[entry].longestExact = max(
                    entries[entry].longestExact, UInt32(clamping: key.count))
            case .prefix, .implementationSpecific:
                // Elements decide, so a trailing slash says nothing: `/a/` is `/a`, `/` is all.
                let isOpen = key.last == UInt8(ascii: "/")
                let trimmed = key.span.extracting(..<(isOpen ? key.count - 1 : key.count))
                let salt = RouteTable.prefixSalt(id)
                let hash = ByteKeyedTable.SteppedHash(of: trimmed, salt: salt)
                paths.insert(trimmed, hash: hash.value, value: position)
                entries[entry].longestPrefix = max(
                    entries[entry].longestPrefix, UInt32(clamping: trimmed.count))
            }
        }

        private mutating func entryPosition(for host: HostPattern, firstRoute: Int) -> Int {
            let (key, salt): ([UInt8], UInt64) =
                switch host {
                case .any: ([], RouteTable.anySalt)
                case .exact(let name): (Array(name.utf8), RouteTable.hostSalt)
                case .wildcard(let suffix): (Array(suffix.utf8), RouteTable.wildcardSalt)
                }
            let hash = ByteKeyedTable.Hash(of: key.span, salt: salt)
            if let known = hosts.find(key.span, hash: hash) { return known }
            entries.append(
                HostEntry(id: UInt32(entries.count), firstRoute: UInt32(clamping: firstRoute)))
            hosts.insert(key.span, hash: hash, value: entries.count - 1)
            return entries.count - 1
        }

        /// Gives each host its part of the patterns.
        mutating func finish() {
            let ranges = patterns.sort()
            for position in entries.indices {
                entries[position].patterns = ranges[entries[position].id] ?? 0..<0
            }
        }
    }

    /// The position of the route for a request, or nil.
    ///
    /// - Parameters:
    ///   - host: as the client wrote it, without port.
    ///   - path: as the client wrote it, without query.
    package func match(host: Span<UInt8>, path: Span<UInt8>) -> Int? {
        var budget = SearchBudget()
        guard case .route(let route) = match(host: host, path: path, read: path, within: &budget)
        else { return nil }
        return route
    }

    /// - Parameters:
    ///   - reading: the path as a backend may read it, which is what patterns are for.
    ///   - budget: of the whole request.
    func match(
        host: Span<UInt8>, path: Span<UInt8>, read reading: Span<UInt8>,
        within budget: inout SearchBudget
    ) -> RouteMatch {
        let name = host.extracting(..<RouteTable.nameLength(host))
        if let entry = exactHost(name) {
            let found = match(path, read: reading, of: entries[entry], within: &budget)
            if found != .none { return found }
        }
        if let entry = wildcardHost(name) {
            let found = match(path, read: reading, of: entries[entry], within: &budget)
            if found != .none { return found }
        }
        guard let anyHost else { return .none }
        return match(path, read: reading, of: entries[anyHost], within: &budget)
    }

    /// The first route of the host that a request is for, whether or not its path has one: the
    /// exact host's, else the wildcard's, else that of any host.
    ///
    /// - Parameter host: as the client wrote it, without port.
    package func firstRoute(ofHost host: Span<UInt8>) -> Int? {
        let name = host.extracting(..<RouteTable.nameLength(host))
        let entry = exactHost(name) ?? wildcardHost(name) ?? anyHost
        return entry.map { Int(entries[$0].firstRoute) }
    }

    /// `shop.example.com.` is `shop.example.com` (RFC 3986 §3.2.2).
    private static func nameLength(_ host: Span<UInt8>) -> Int {
        let hasRootDot = host.count > 1 && host[host.count - 1] == UInt8(ascii: ".")
        return hasRootDot ? host.count - 1 : host.count
    }

    private func exactHost(_ name: Span<UInt8>) -> Int? {
        guard !name.isEmpty else { return nil }
        return hosts.findIgnoringCase(name, salt: RouteTable.hostSalt)
    }

    /// A wildcard stands for one label, and a label is not empty.
    private func wildcardHost(_ name: Span<UInt8>) -> Int? {
        guard let dot = name.indices.first(where: { name[$0] == UInt8(ascii: ".") }), dot > 0
        else { return nil }
        return hosts.findIgnoringCase(
            name.extracting((dot + 1)...), salt: RouteTable.wildcardSalt)
    }

    private func match(
        _ path: Span<UInt8>, read reading: Span<UInt8>, of host: HostEntry,
        within budget: inout SearchBudget
    ) -> RouteMatch {
        if path.count <= Int(host.longestExact) {
            let hash = ByteKeyedTable.Hash(of: path, salt: RouteTable.exactSalt(host.id))
            if let route = paths.find(path, hash: hash) { return .route(route) }
        }
        let prefix = longestPrefix(of: path, host)
        if !host.patterns.isEmpty {
            let found = patterns.match(
                reading, in: host.patterns, from: prefix?.length ?? 0, within: &budget)
            if found != .none { return found }
        }
        return prefix.map { .route($0.route) } ?? .none
    }

    /// Looks the path up as a whole and at each of its slashes, hashing it once along the way.
    private func longestPrefix(
        of path: Span<UInt8>, _ host: HostEntry
    ) -> (route: Int, length: Int)? {
        let salt = RouteTable.prefixSalt(host.id)
        var best: (route: Int, length: Int)?
        var hash = ByteKeyedTable.SteppedHash(salt: salt)
        let end = min(path.count, Int(host.longestPrefix))
        for length in 0...end {
            if length == path.count || path[length] == UInt8(ascii: "/"),
                let route = paths.find(path.extracting(..<length), hash: hash.value)
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
