/// Base 64 with padding (RFC 4648 §4), as Secrets have it.
enum Base64 {
    /// Nil for what is none. Line breaks are skipped: YAML folds long values in several ways.
    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 4 * 3)
        var group: UInt32 = 0
        var count = 0
        var paddingCount = 0
        for character in text.utf8 where !isSpace(character) {
            count += 1
            if character == UInt8(ascii: "=") {
                paddingCount += 1
                group <<= 6
            } else {
                guard paddingCount == 0, let sextet = sextet(character) else { return nil }
                group = group << 6 | sextet
            }
            guard count.isMultiple(of: 4) else { continue }
            for shift in [16 as UInt32, 8, 0] {
                bytes.append(UInt8(truncatingIfNeeded: group >> shift))
            }
            group = 0
        }
        guard count.isMultiple(of: 4), paddingCount <= 2 else { return nil }
        bytes.removeLast(paddingCount)
        return bytes
    }

    private static func isSpace(_ character: UInt8) -> Bool {
        character == 0x20 || character == 0x0A || character == 0x0D
    }

    private static func sextet(_ character: UInt8) -> UInt32? {
        switch character {
        case 0x41...0x5A: UInt32(character - 0x41)
        case 0x61...0x7A: UInt32(character - 0x61) + 26
        case 0x30...0x39: UInt32(character - 0x30) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
