/// A worker's memory of tokens that verified: a client that comes again and again costs no hash.
///
/// Direct-mapped: a token has one place, and the last one to be verified there has it. Only tokens
/// that verified get in, so nobody without a cookie of ours can push others out. A place also names
/// the sealer, and with it the scope and the keys, so what an old configuration accepted is not
/// taken for good under a new one.
///
/// Tokens are known by their text, which is not even decoded: a token has one spelling.
struct VerifiedTokens: Sendable {
    private struct Place {
        var sealer: UInt64
        var text: TokenText
        var opened: OpenedToken
    }

    private var places: [Place?]

    /// 4096: half a megabyte, and room for the clients that are busy at one time.
    static var capacityDefault: Int { 4096 }

    /// - Parameter capacity: places, rounded up to a power of two.
    init(capacity: Int = VerifiedTokens.capacityDefault) {
        var rounded = 1
        while rounded < min(capacity, 1 << 20) { rounded *= 2 }
        places = Array(repeating: nil, count: rounded)
    }

    /// Opens a cookie value, from memory where possible.
    mutating func open(
        _ value: Span<UInt8>, with sealer: CookieSealer, fingerprint: UInt64
    ) -> OpenedToken? {
        guard let text = TokenText(value) else { return nil }
        let place = Int(truncatingIfNeeded: text.hash ^ fingerprint) & (places.count - 1)
        if let known = places[place], known.sealer == fingerprint, known.text.isIdentical(to: text)
        {
            return known.opened
        }
        guard let opened = sealer.open(value) else { return nil }
        places[place] = Place(sealer: fingerprint, text: text, opened: opened)
        return opened
    }
}

/// The text of a sealed cookie in words, which are compared faster than bytes.
private struct TokenText {
    private let byteCount: Int
    /// All whole words of the text; the last one is that of its last eight bytes.
    private var words = InlineArray<8, UInt64>(repeating: 0)

    /// Nil for a text that is not as long as one of ours.
    init?(_ text: Span<UInt8>) {
        guard text.count == 52 || text.count == 60 else { return nil }
        byteCount = text.count
        // SAFETY: bytes have no padding, so each one of the raw span is initialised.
        let raw = unsafe text.bytes
        for index in 0..<byteCount / 8 {
            // SAFETY: any bits make a UInt64, and the load checks its bounds itself.
            words[index] = unsafe raw.unsafeLoadUnaligned(
                fromByteOffset: index * 8, as: UInt64.self)
        }
        // SAFETY: as in the loop.
        words[7] = unsafe raw.unsafeLoadUnaligned(fromByteOffset: byteCount - 8, as: UInt64.self)
    }

    /// Of the end of the text, which is the end of the tag and differs for all tokens.
    var hash: UInt64 {
        (words[7] &* 0x9E37_79B9_7F4A_7C15) >> 32
    }

    /// Whether all bytes are the same, in a time that tells nothing about them.
    func isIdentical(to other: TokenText) -> Bool {
        var difference = UInt64(truncatingIfNeeded: byteCount ^ other.byteCount)
        for index in words.indices { difference |= words[index] ^ other.words[index] }
        return difference == 0
    }
}
