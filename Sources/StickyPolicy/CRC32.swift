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
        var divisor: UInt32 = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            combine(UInt8(truncatingIfNeeded: 0x30 + number / divisor % 10))
            divisor /= 10
        }
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { word, _ in
            word & 1 == 0 ? word >> 1 : word >> 1 ^ 0xEDB8_8320
        }
    }
}
