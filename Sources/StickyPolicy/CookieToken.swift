/// What a sealed affinity cookie says: who the client is, where it was bound, and since when.
public struct CookieToken: Equatable, Sendable {
    /// A hash of the backend's name under the key that signs: it names no address, and means
    /// nothing to whoever lacks the key.
    public var backendIdentity: UInt64
    /// Drawn at random for the client. It decides the backend in balanced mode, and the successor
    /// of a lost one in both modes.
    public var clientKey: UInt64
    /// Unix seconds, 0..<2^40.
    public var issuedAt: Int64

    public init(backendIdentity: UInt64, clientKey: UInt64, issuedAt: Int64) {
        self.backendIdentity = backendIdentity
        self.clientKey = clientKey
        self.issuedAt = min(max(issuedAt, 0), 1 << 40 - 1)
    }
}

/// The bytes of a sealed cookie, in network order:
///
///     0      version, 1
///     1      flags, 0; a token that also knows when it was last seen will be longer and have
///            another version
///     2...6  issued at
///     7...14 backend identity
///     15...22 client key
///     23...38 authentication tag
///
/// 39 bytes are 52 characters with no bit to spare, so that one token has one spelling.
struct SealedBytes {
    private(set) var bytes = InlineArray<39, UInt8>(repeating: 0)

    static var characterCount: Int { 52 }
    private static var version: UInt64 { 1 }

    /// A token without its tag.
    init(_ token: CookieToken) {
        put(Self.version, at: 0, byteCount: 1)
        put(UInt64(bitPattern: token.issuedAt), at: 2, byteCount: 5)
        put(token.backendIdentity, at: 7, byteCount: 8)
        put(token.clientKey, at: 15, byteCount: 8)
    }

    /// Reads the text of a cookie; nil when it has not the form of a token.
    init?(text: Span<UInt8>) {
        guard text.count == Self.characterCount, Base64URL.decode(text, into: &bytes),
            get(at: 0, byteCount: 2) == Self.version << 8
        else { return nil }
    }

    /// What the token says; to be believed after its tag was verified.
    var token: CookieToken {
        CookieToken(
            backendIdentity: get(at: 7, byteCount: 8), clientKey: get(at: 15, byteCount: 8),
            issuedAt: Int64(get(at: 2, byteCount: 5)))
    }

    var tag: AuthenticationTag {
        get { AuthenticationTag(high: get(at: 23, byteCount: 8), low: get(at: 31, byteCount: 8)) }
        set {
            put(newValue.high, at: 23, byteCount: 8)
            put(newValue.low, at: 31, byteCount: 8)
        }
    }

    /// Whether all bytes are the same, in a time that tells nothing about them.
    func isIdentical(to other: SealedBytes) -> Bool {
        var difference: UInt8 = 0
        for index in bytes.indices { difference |= bytes[index] ^ other.bytes[index] }
        return difference == 0
    }

    private mutating func put(_ number: UInt64, at offset: Int, byteCount: Int) {
        for index in 0..<byteCount {
            let shift = UInt64(8 * (byteCount - 1 - index))
            bytes[offset + index] = UInt8(truncatingIfNeeded: number >> shift)
        }
    }

    private func get(at offset: Int, byteCount: Int) -> UInt64 {
        var number: UInt64 = 0
        for index in 0..<byteCount { number = number << 8 | UInt64(bytes[offset + index]) }
        return number
    }
}
