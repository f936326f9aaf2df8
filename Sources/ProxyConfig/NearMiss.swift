/// Finds what somebody probably meant to type.
enum NearMiss {
    /// The nearest candidate at most two edits away; nil when nothing is that near.
    static func find(_ typed: String, in candidates: some Sequence<String>) -> String? {
        let bytes = Array(typed.lowercased().utf8)
        // Longer words are no typing mistakes, and the search is quadratic in their length.
        guard bytes.count <= 80 else { return nil }
        var best: (distance: Int, candidate: String)?
        for candidate in candidates {
            let other = Array(candidate.lowercased().utf8)
            guard abs(other.count - bytes.count) <= 2 else { continue }
            let distance = editDistance(bytes, other)
            // Two edits turn any word of three letters into another one.
            guard distance <= 2, distance * 2 <= other.count else { continue }
            // Of two that are equally near the first by name, so that every run says the same.
            if best.map({ (distance, candidate) < $0 }) ?? true { best = (distance, candidate) }
        }
        return best?.candidate
    }

    /// `did you mean 'x'?` in front of what is allowed, where there is a near miss.
    static func help(_ typed: String, allowed: [String]) -> String {
        let list = "allowed: " + allowed.joined(separator: ", ")
        guard let meant = find(typed, in: allowed) else { return list }
        return "did you mean '\(meant)'? \(list)"
    }

    /// The Levenshtein distance.
    private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var previous = Array(0...right.count)
        for (row, byte) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                let substituted = previous[column] + (byte == other ? 0 : 1)
                current.append(min(substituted, previous[column + 1] + 1, current[column] + 1))
            }
            previous = current
        }
        return previous[right.count]
    }
}
