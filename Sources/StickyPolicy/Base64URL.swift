internal import HTTPParser

/// Base 64 with the URL-safe alphabet and without padding (RFC 4648 §5), for whole groups only:
/// three bytes are four characters, so that every text decodes to other bytes and back to itself.
enum Base64URL {
    /// Appends `bytes`, whose count is a multiple of 3.
    static func append(_ bytes: Span<UInt8>, to writer: inout ByteWriter) {
        precondition(bytes.count.isMultiple(of: 3))
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group =
                UInt32(bytes[start]) << 16 | UInt32(bytes[start + 1]) << 8
                | UInt32(bytes[start + 2])
            writer.append(fourBytes: characters(of: group))
        }
    }

    /// Decodes `text` into `bytes`, whose count must be three quarters of the text's. False when a
    /// character is not of the alphabet; `bytes` then hold nothing of use.
    static func decode<let byteCount: Int>(
        _ text: Span<UInt8>, into bytes: inout InlineArray<byteCount, UInt8>
    ) -> Bool {
        guard byteCount.isMultiple(of: 3), text.count == byteCount / 3 * 4 else { return false }
        var invalid: UInt32 = 0
        var position = 0
        for start in stride(from: 0, to: byteCount, by: 3) {
            var group: UInt32 = 0
            for offset in 0..<4 {
                let sextet = sextet(text[position + offset])
                invalid |= sextet
                group = group << 6 | sextet & 63
            }
            position += 4
            bytes[start] = UInt8(truncatingIfNeeded: group >> 16)
            bytes[start + 1] = UInt8(truncatingIfNeeded: group >> 8)
            bytes[start + 2] = UInt8(truncatingIfNeeded: group)
        }
        return invalid < 64
    }

    /// The four characters of 24 bits, all at once, the first one lowest.
    private static func characters(of group: UInt32) -> UInt32 {
        let each: UInt32 = 0x0101_0101
        let sextets =
            group >> 18 & 63 | (group >> 12 & 63) << 8 | (group >> 6 & 63) << 16
            | (group & 63) << 24
        // 1 in each byte that holds `least` or more. No sum leaves its byte.
        func reaching(_ least: UInt32) -> UInt32 {
            (sextets &+ (128 - least) &* each) >> 7 & each
        }
        // `A` to `Z` and how far `a`, `0`, `-` and `_` are from where that would go on.
        return sextets &+ 0x41 &* each &+ 6 &* reaching(26) &- 75 &* reaching(52)
            &- 13 &* reaching(62) &+ 49 &* reaching(63)
    }

    /// The value of a character, 0..<64, or a number above that for any other byte.
    private static func sextet(_ character: UInt8) -> UInt32 {
        switch character {
        case 0x41...0x5A: UInt32(character) - 0x41
        case 0x61...0x7A: UInt32(character) - 0x61 + 26
        case 0x30...0x39: UInt32(character) - 0x30 + 52
        case 0x2D: 62
        case 0x5F: 63
        default: 64
        }
    }
}
