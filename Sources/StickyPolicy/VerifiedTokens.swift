/// A worker's memory of tokens that verified: a client that comes again and again costs no hash.
///
/// Direct-mapped: a token has one place, and the last one to be verified there has it. Only tokens
/// that verified get in, so nobody without a cookie of ours can push others out. A place also names
/// the sealer, and with it the scope and the keys, so what an old configuration accepted is not
/// taken for good under a new one.
struct VerifiedTokens: Sendable {
    private struct Place {
        var sealer: UInt64
        var sealed: SealedBytes
        var opened: OpenedToken
    }

    private var places: [Place?]

    /// 4096: a third of a megabyte, and room for the clients that are busy at one time.
    static var capacityDefault: Int { 4096 }

    /// - Parameter capacity: places, rounded up to a power of two.
    init(capacity: Int = VerifiedTokens.capacityDefault) {
        var rounded = 1
        while rounded < min(capacity, 1 << 20) { rounded *= 2 }
        places = Array(repeating: nil, count: rounded)
    }

    /// Opens a cookie value, from memory where possible.
    mutating func open(
        _ text: Span<UInt8>, with sealer: CookieSealer, fingerprint: UInt64
    ) -> OpenedToken? {
        guard let sealed = SealedBytes(text: text) else { return nil }
        let place = Int(truncatingIfNeeded: sealed.tag.low ^ fingerprint) & (places.count - 1)
        if let known = places[place], known.sealer == fingerprint,
            known.sealed.isIdentical(to: sealed)
        {
            return known.opened
        }
        guard let opened = sealer.open(sealed) else { return nil }
        places[place] = Place(sealer: fingerprint, sealed: sealed, opened: opened)
        return opened
    }
}
