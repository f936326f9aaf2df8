extension Span where Element == UInt8 {
    /// `range` without the spaces and tabs at both ends of what it names (OWS, RFC 9110 §5.6.3).
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, isWhitespace(start) { start += 1 }
        while end > start, isWhitespace(end - 1) { end -= 1 }
        return start..<end
    }

    /// Whether the byte at `index` is a space or a tab.
    func isWhitespace(_ index: Int) -> Bool {
        self[index] == 0x20 || self[index] == 0x09
    }

    /// The offset of the first `byte` at or behind `start`.
    func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        var index = start
        while index < count {
            if self[index] == byte { return index }
            index += 1
        }
        return nil
    }
}
