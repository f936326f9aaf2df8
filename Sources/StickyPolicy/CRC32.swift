/// CRC-32 (IEEE 802.3), the hash of ingress-nginx's rings.
struct CRC32: Sendable {
    /// The register before it is inverted for the last time.
    private var register: UInt32 = .max

    /// Begins where another checksum ended, as rings do for one point after the other.
    init(continuing checksum: UInt32 = 0) {
        register = ~checksum
    }

    var value: UInt32 { ~register }

    mutating func combine(_ byte: UInt8) {
        register = register >> 8 ^ Self.table[Int((register ^ UInt32(byte)) & 0xFF)]
    }

    mutating func combine(_ bytes: Span<UInt8>) {
        for index in bytes.indices { combine(bytes[index]) }
    }

    mutating func combine(_ bytes: [UInt8]) {
        combine(bytes.span)
    }

    /// In base 10, without leading zeros.
    mutating func combine(decimal number: UInt32) {
        var digits = InlineArray<10, UInt8>(repeating: 0)
        var first = 10
        var rest = number
        repeat {
            first -= 1
            digits[first] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        for index in first..<10 { combine(digits[index]) }
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { word, _ in
            word & 1 == 0 ? word >> 1 : word >> 1 ^ 0xEDB8_8320
        }
    }
}
