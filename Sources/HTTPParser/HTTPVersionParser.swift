/// Reads `HTTP/1.x` (RFC 9112 §2.3).
internal enum HTTPVersionParser {
    /// `HTTP/` DIGIT `.` DIGIT.
    static let byteCount = 8

    /// The version at `offset`, or nil when the bytes end within it. A wrong byte is refused as
    /// soon as it is there: the line may well end before eight bytes have come.
    @inline(__always)
    static func parse(
        _ bytes: Span<UInt8>, at offset: Int, malformed: ParseError
    ) throws(ParseError) -> HTTPVersion? {
        if offset + byteCount <= bytes.count {
            let version = bytes.extracting(offset..<offset + byteCount)
            if version.equals("HTTP/1.1") { return .http11 }
            if version.equals("HTTP/1.0") { return .http10 }
        }
        return try parseUncommon(bytes, at: offset, malformed: malformed)
    }

    private static func parseUncommon(
        _ bytes: Span<UInt8>, at offset: Int, malformed: ParseError
    ) throws(ParseError) -> HTTPVersion? {
        let available = min(bytes.count - offset, byteCount)
        for index in 0..<available where !mayStand(bytes[offset + index], at: index) {
            throw malformed
        }
        guard available == byteCount else { return nil }
        guard bytes[offset + 5] == 0x31 else { throw .unsupportedVersion }
        // RFC 9110 §2.5: a higher minor version is taken as the highest that we know. Minor
        // version 0 has been answered above.
        return .http11
    }

    private static func mayStand(_ byte: UInt8, at index: Int) -> Bool {
        switch index {
        case 0: byte == 0x48
        case 1, 2: byte == 0x54
        case 3: byte == 0x50
        case 4: byte == ASCII.slash
        case 6: byte == ASCII.dot
        default: CharacterClass.isDigit(byte)
        }
    }
}
