package import HTTPParser

/// Bytes of strangers inside a line of a log: whatever they are, the line stays one line, and its
/// reader finds where they begin and end.
extension ByteWriter {
    /// Appends the inside of a JSON string (RFC 8259 §7), without its quotes. What is no UTF-8
    /// becomes U+FFFD, a byte at a time; control characters, those of C1 too, are escaped, so that
    /// a terminal that shows the line obeys none of them.
    package mutating func append(json bytes: Span<UInt8>) {
        var start = 0
        while true {
            let end = bytes.firstUnquotable(from: start)
            append(bytes.extracting(start..<end))
            guard end < bytes.count else { return }
            start = end + appendEscaped(json: bytes, at: end)
        }
    }

    /// - Returns: how many bytes that was the escape of.
    private mutating func appendEscaped(json bytes: Span<UInt8>, at index: Int) -> Int {
        let byte = bytes[index]
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            append(UInt8(ascii: "\\"))
            append(byte)
            return 1
        case ..<0x20, 0x7F:
            appendCodePoint(byte)
            return 1
        default: break
        }
        let count = LogText.sequenceLength(bytes, at: index)
        if count == 0 {
            append("\\ufffd")
            return 1
        }
        if byte == 0xC2, bytes[index + 1] < 0xA0 {
            appendCodePoint(bytes[index + 1])
        } else {
            append(bytes.extracting(index..<index + count))
        }
        return count
    }

    private mutating func appendCodePoint(_ byte: UInt8) {
        append("\\u00")
        append(LogText.digit(byte >> 4, letters: 0x61))
        append(LogText.digit(byte & 0xF, letters: 0x61))
    }

    /// Appends bytes as nginx does in its own formats: quotes, backslashes and all that is not
    /// printable ASCII as `\xHH`.
    package mutating func append(combined bytes: Span<UInt8>) {
        var start = 0
        while true {
            let end = bytes.firstUnquotable(from: start)
            append(bytes.extracting(start..<end))
            guard end < bytes.count else { return }
            append("\\x")
            append(LogText.digit(bytes[end] >> 4, letters: 0x41))
            append(LogText.digit(bytes[end] & 0xF, letters: 0x41))
            start = end + 1
        }
    }
}

private enum LogText {
    /// - Parameter letters: `a` or `A`.
    static func digit(_ nibble: UInt8, letters: UInt8) -> UInt8 {
        nibble < 10 ? 0x30 + nibble : letters + nibble - 10
    }

    /// How many bytes the character takes that begins here; 0 where none does (RFC 3629 §4).
    static func sequenceLength(_ bytes: Span<UInt8>, at index: Int) -> Int {
        let rest = bytes.count - index
        let second: ClosedRange<UInt8>
        let count: Int
        switch bytes[index] {
        case 0xC2...0xDF: (count, second) = (2, 0x80...0xBF)
        case 0xE0: (count, second) = (3, 0xA0...0xBF)
        case 0xED: (count, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (count, second) = (3, 0x80...0xBF)
        case 0xF0: (count, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (count, second) = (4, 0x80...0xBF)
        case 0xF4: (count, second) = (4, 0x80...0x8F)
        default: return 0
        }
        guard rest >= count, second.contains(bytes[index + 1]) else { return 0 }
        for offset in 2..<max(count, 2) where bytes[index + offset] & 0xC0 != 0x80 { return 0 }
        return count
    }
}
