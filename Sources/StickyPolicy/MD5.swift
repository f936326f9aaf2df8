/// MD5 (RFC 1321), for names that ingress-nginx makes with it: computed when a configuration is
/// loaded, and never for anything that has to be secret.
struct MD5: Sendable {
    /// A digest as two words in network order: 32 hexadecimal digits as text.
    struct Digest: Equatable, Hashable, Sendable {
        var high: UInt64
        var low: UInt64
    }

    private var state: (UInt32, UInt32, UInt32, UInt32) = (
        0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476
    )

    static func digest(of text: String) -> Digest {
        var message = Array(text.utf8)
        let bitCount = UInt64(truncatingIfNeeded: message.count) &* 8
        message.append(0x80)
        while message.count % 64 != 56 { message.append(0) }
        for index in 0..<8 { message.append(UInt8(truncatingIfNeeded: bitCount >> (8 * index))) }
        var md5 = MD5()
        for start in stride(from: 0, to: message.count, by: 64) {
            md5.absorb(message[start..<start + 64])
        }
        let state = md5.state
        return Digest(
            high: UInt64(state.0.byteSwapped) << 32 | UInt64(state.1.byteSwapped),
            low: UInt64(state.2.byteSwapped) << 32 | UInt64(state.3.byteSwapped))
    }

    /// Takes in one block of 64 bytes (RFC 1321 §3.4).
    private mutating func absorb(_ block: ArraySlice<UInt8>) {
        let words = (0..<16).map { index in
            (0..<4).reduce(UInt32(0)) { word, byte in
                word | UInt32(block[block.startIndex + 4 * index + byte]) << UInt32(8 * byte)
            }
        }
        var (a, b, c, d) = state
        for step in 0..<64 {
            let (mix, word) = Self.mix(b, c, d, step: step)
            let sum = a &+ mix &+ Self.constants[step] &+ words[word]
            (a, d, c) = (d, c, b)
            let shift = Self.shifts[step / 16][step % 4]
            b = b &+ (sum << shift | sum >> (32 - shift))
        }
        state = (state.0 &+ a, state.1 &+ b, state.2 &+ c, state.3 &+ d)
    }

    /// What a step mixes from the state, and the word of the block that it takes.
    private static func mix(
        _ b: UInt32, _ c: UInt32, _ d: UInt32, step: Int
    ) -> (mix: UInt32, word: Int) {
        switch step / 16 {
        case 0: (b & c | ~b & d, step)
        case 1: (d & b | ~d & c, (5 * step + 1) % 16)
        case 2: (b ^ c ^ d, (3 * step + 5) % 16)
        default: (c ^ (b | ~d), 7 * step % 16)
        }
    }

    private static let shifts: [[UInt32]] = [
        [7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21],
    ]

    /// The integer parts of 2^32 |sin(i)| for i from 1 to 64, in radians (RFC 1321 §3.4).
    private static let constants: [UInt32] = [
        0xD76A_A478, 0xE8C7_B756, 0x2420_70DB, 0xC1BD_CEEE, 0xF57C_0FAF, 0x4787_C62A,
        0xA830_4613, 0xFD46_9501, 0x6980_98D8, 0x8B44_F7AF, 0xFFFF_5BB1, 0x895C_D7BE,
        0x6B90_1122, 0xFD98_7193, 0xA679_438E, 0x49B4_0821, 0xF61E_2562, 0xC040_B340,
        0x265E_5A51, 0xE9B6_C7AA, 0xD62F_105D, 0x0244_1453, 0xD8A1_E681, 0xE7D3_FBC8,
        0x21E1_CDE6, 0xC337_07D6, 0xF4D5_0D87, 0x455A_14ED, 0xA9E3_E905, 0xFCEF_A3F8,
        0x676F_02D9, 0x8D2A_4C8A, 0xFFFA_3942, 0x8771_F681, 0x6D9D_6122, 0xFDE5_380C,
        0xA4BE_EA44, 0x4BDE_CFA9, 0xF6BB_4B60, 0xBEBF_BC70, 0x289B_7EC6, 0xEAA1_27FA,
        0xD4EF_3085, 0x0488_1D05, 0xD9D4_D039, 0xE6DB_99E5, 0x1FA2_7CF8, 0xC4AC_5665,
        0xF429_2244, 0x432A_FF97, 0xAB94_23A7, 0xFC93_A039, 0x655B_59C3, 0x8F0C_CC92,
        0xFFEF_F47D, 0x8584_5DD1, 0x6FA8_7E4F, 0xFE2C_E6E0, 0xA301_4314, 0x4E08_11A1,
        0xF753_7E82, 0xBD3A_F235, 0x2AD7_D2BB, 0xEB86_D391,
    ]
}

extension MD5.Digest {
    /// Reads 32 lower-case hexadecimal digits; nil for anything else.
    init?(hexadecimal text: Span<UInt8>) {
        guard text.count == 32 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for index in 0..<32 {
            guard let digit = hexadecimalDigit(text[index]) else { return nil }
            words = (words.0 << 4 | words.1 >> 60, words.1 << 4 | digit)
        }
        self.init(high: words.0, low: words.1)
    }

    var text: String { hexadecimal(high) + hexadecimal(low) }
}

private func hexadecimalDigit(_ byte: UInt8) -> UInt64? {
    switch byte {
    case 0x30...0x39: UInt64(byte - 0x30)
    case 0x61...0x66: UInt64(byte - 0x61 + 10)
    default: nil
    }
}

private func hexadecimal(_ word: UInt64) -> String {
    let digits = String(word, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
