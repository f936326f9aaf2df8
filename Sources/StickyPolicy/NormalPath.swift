import HTTPParser

/// A path as nginx's `$uri` has it: percent-decoded once, slashes merged, dot segments resolved
/// (RFC 3986 §5.2.4). A broken escape stands for itself, and nothing climbs above the root.
enum NormalPath {
    /// For a path that is not plain; one that is would come out as it went in.
    static func bytes(of path: Span<UInt8>) -> [UInt8] {
        let decoded = decoded(path)
        var result: [UInt8] = []
        result.reserveCapacity(decoded.count)
        var endsInSlash = false
        for segment in decoded.split(separator: 0x2F, omittingEmptySubsequences: false) {
            endsInSlash = true
            if segment.elementsEqual([0x2E, 0x2E]) {
                result.removeSubrange((result.lastIndex(of: 0x2F) ?? 0)...)
            } else if !segment.isEmpty && !segment.elementsEqual([0x2E]) {
                result.append(0x2F)
                result += segment
                endsInSlash = false
            }
        }
        if endsInSlash { result.append(0x2F) }
        return result
    }

    private static func decoded(_ path: Span<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(path.count)
        var index = 0
        while index < path.count {
            if path[index] == 0x25, index + 2 < path.count,
                let high = CharacterClass.hexValue(path[index + 1]),
                let low = CharacterClass.hexValue(path[index + 2])
            {
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(path[index])
                index += 1
            }
        }
        return result
    }
}
