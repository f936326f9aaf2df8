import HTTPParser
import StickyPolicy

/// What a backend may take a path for that is forwarded as it came.
///
/// Routes are chosen by the path as it was sent, and the backend gets it as it was sent. But one
/// that resolves `..`, decodes `%2e` or merges slashes reads another path, which a route of ours
/// may send elsewhere. Where the two readings lead to different routes nobody can say which was
/// meant, and whoever wrote it is as a rule an attacker.
enum PathReading {
    /// The path as the most obliging backend reads it: percent-encoding decoded once, backslashes
    /// as slashes, slashes merged, dot segments resolved (RFC 3986 §5.2.4, §6.2.2), also those
    /// with a parameter behind them (`..;x`). Nil for one that climbs above its root, or whose
    /// encoding no two backends need read alike.
    static func resolved(_ path: Span<UInt8>) -> [UInt8]? {
        guard let bytes = decoded(path) else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var endsInSlash = false
        for segment in bytes.split(separator: Byte.slash, omittingEmptySubsequences: false) {
            endsInSlash = true
            let name = segment.prefix { $0 != Byte.semicolon }
            if name.elementsEqual([Byte.dot, Byte.dot]) {
                guard let parent = result.lastIndex(of: Byte.slash) else { return nil }
                result.removeSubrange(parent...)
            } else if !segment.isEmpty && !name.elementsEqual([Byte.dot]) {
                result.append(Byte.slash)
                result += segment
                endsInSlash = false
            }
        }
        if endsInSlash { result.append(Byte.slash) }
        return result
    }

    /// Nil for a percent sign without two digits (RFC 3986 §2.1), which some readers keep, some
    /// drop and some refuse; and for an encoded NUL, where some end the path.
    private static func decoded(_ path: Span<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(path.count)
        var index = 0
        while index < path.count {
            var byte = path[index]
            index += 1
            if byte == Byte.percent {
                guard index + 1 < path.count, let high = CharacterClass.hexValue(path[index]),
                    let low = CharacterClass.hexValue(path[index + 1]), high | low != 0
                else { return nil }
                byte = high << 4 | low
                index += 2
            }
            result.append(byte == Byte.backslash ? Byte.slash : byte)
        }
        return result
    }

    private enum Byte {
        static var percent: UInt8 { 0x25 }
        static var dot: UInt8 { 0x2E }
        static var slash: UInt8 { 0x2F }
        static var semicolon: UInt8 { 0x3B }
        static var backslash: UInt8 { 0x5C }
    }
}

extension RouteTable {
    /// The route of a request, if every reading of its path agrees on it.
    ///
    /// - Parameters:
    ///   - host: as the client wrote it, without port.
    ///   - path: as the client wrote it, without query.
    package func resolve(host: Span<UInt8>, path: Span<UInt8>) -> RouteMatch {
        var budget = SearchBudget()
        guard !path.isPlainPath else {
            return match(host: host, path: path, read: path, within: &budget)
        }
        guard let other = PathReading.resolved(path) else { return .ambiguous }
        let route = match(host: host, path: path, read: other.span, within: &budget)
        let otherRoute = match(
            host: host, path: other.span, read: other.span, within: &budget)
        return otherRoute == route ? route : .ambiguous
    }
}
