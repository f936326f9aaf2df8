import StickyPolicy

/// The routes of a table whose paths are regular expressions, those of one host together.
///
/// They are asked in the order of ingress-nginx: the longest text first, and of equal lengths the
/// greatest. Each costs a search, so they are the only routes whose number a request feels.
struct RoutePatterns: Sendable {
    private struct Entry: Sendable {
        let host: UInt32
        let text: [UInt8]
        let matcher: any PatternMatcher
        let route: Int
    }

    private var entries: [Entry] = []

    mutating func add(
        _ text: [UInt8], _ matcher: any PatternMatcher, ofHost host: UInt32, route: Int
    ) {
        // Of two equal ones the first counts, as of all routes.
        if entries.contains(where: { $0.host == host && $0.text == text }) { return }
        entries.append(Entry(host: host, text: text, matcher: matcher, route: route))
    }

    /// Puts all in their order, and answers which of them belong to each host.
    mutating func sort() -> [UInt32: Range<UInt32>] {
        entries.sort { left, right in
            if left.host != right.host { return left.host < right.host }
            if left.text.count != right.text.count { return left.text.count > right.text.count }
            return right.text.lexicographicallyPrecedes(left.text)
        }
        var ranges: [UInt32: Range<UInt32>] = [:]
        for (index, entry) in entries.enumerated() {
            let index = UInt32(clamping: index)
            ranges[entry.host] = (ranges[entry.host]?.lowerBound ?? index)..<index + 1
        }
        return ranges
    }

    /// The first of `range` that matches, unless its text is shorter than `length`. Behind a search
    /// that was given up nobody can say: a client must not choose another route by making it long.
    func match(
        _ path: Span<UInt8>, in range: Range<UInt32>, from length: Int,
        within budget: inout SearchBudget
    ) -> RouteMatch {
        for index in Int(range.lowerBound)..<Int(range.upperBound) {
            guard entries[index].text.count >= length else { return .none }
            switch entries[index].matcher.matches(path, within: &budget) {
            case true?: return .route(entries[index].route)
            case false?: continue
            case nil: return .ambiguous
            }
        }
        return .none
    }
}
