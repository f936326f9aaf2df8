/// Sees to it that a value is given once over all files.
struct SetOnce {
    private var positions: [String: Position] = [:]

    /// Whether this is the first time; a second one is reported.
    mutating func isFirst(_ path: String, _ entry: YAMLEntry, _ reader: Reader) -> Bool {
        if let earlier = positions[path] {
            reader.fault(
                "'\(path)' is already set at \(reader.findings.describe(earlier))",
                at: entry.keyPosition)
            return false
        }
        positions[path] = entry.keyPosition
        return true
    }
}
