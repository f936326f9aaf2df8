/// Walks the members of a comma-separated list (RFC 9110 §5.6.1) in one field value.
///
/// For lists of tokens, such as Connection and Upgrade: a quoted string is not understood, and a
/// member may be any bytes but a comma. Empty members are passed over.
public struct TokenList: Sendable {
    private var position: Int
    private let end: Int

    /// - Parameter value: of the field, as offsets into the bytes that `next` will be given.
    public init(_ value: ByteRange) {
        position = Int(value.start)
        end = Int(value.end)
    }

    /// The next member without the white space around it, or nil behind the last.
    public mutating func next(in bytes: Span<UInt8>) -> ByteRange? {
        while position < end {
            let start = position
            while position < end, bytes[position] != ASCII.comma { position += 1 }
            let member = trimmed(bytes, start, position)
            position += 1
            if !member.isEmpty { return member }
        }
        return nil
    }

    private func trimmed(_ bytes: Span<UInt8>, _ first: Int, _ last: Int) -> ByteRange {
        var start = first
        var end = last
        while start < end, CharacterClass.isWhitespace(bytes[start]) { start += 1 }
        while end > start, CharacterClass.isWhitespace(bytes[end - 1]) { end -= 1 }
        return ByteRange(start, end)
    }
}
