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
    /// Unix seconds of about the last request, where sessions may be idle only so long.
    public var lastSeen: Int64?

    public init(
        backendIdentity: UInt64, clientKey: UInt64, issuedAt: Int64, lastSeen: Int64? = nil
    ) {
        self.backendIdentity = backendIdentity
        self.clientKey = clientKey
        self.issuedAt = Self.clamped(issuedAt)
        self.lastSeen = lastSeen.map(Self.clamped)
    }

    private static func clamped(_ seconds: Int64) -> Int64 {
        min(max(seconds, 0), 1 << 40 - 1)
    }
}

/// The bytes of a sealed cookie, in network order:
///
///     0      version: 1, or 2 for a token that knows when it was last seen
///     1      flags, 0
///     2...6  issued at
///     7...14 backend identity
///     15...22 client key
///     23...38 authentication tag in version 1; in version 2
///     23...27 last seen
///     28     0
///     29...44 authentication tag
///
/// 39 bytes are 52 characters and 45 are 60, with no bit to spare, so that one token has one
/// spelling.
struct SealedBytes {
    private var storage = InlineArray<45, UInt8>(repeating: 0)
    private(set) var hasLastSeen: Bool

    private static var plainCount: Int { 39 }

    var count: Int { hasLastSeen ? 45 : Self.plainCount }

    /// A token without its tag.
    init(_ token: CookieToken) {
        hasLastSeen = token.lastSeen != nil
        storage[0] = hasLastSeen ? 2 : 1
        // Five bytes each, and three zeros behind them that the next field overwrites, or the tag.
        put(UInt64(bitPattern: token.issuedAt) << 24, at: 2)
        put(token.backendIdentity, at: 7)
        put(token.clientKey, at: 15)
        if let lastSeen = token.lastSeen { put(UInt64(bitPattern: lastSeen) << 24, at: 23) }
    }

    /// Reads the text of a cookie; nil when it has not the form of a token.
    init?(text: Span<UInt8>) {
        hasLastSeen = text.count == 60
        if hasLastSeen {
            guard Base64URL.decode(text, into: &storage), get(at: 0, byteCount: 2) == 2 << 8,
                storage[28] == 0
            else { return nil }
        } else {
            var plain = InlineArray<39, UInt8>(repeating: 0)
            guard text.count == 52, Base64URL.decode(text, into: &plain) else { return nil }
            for index in plain.indices { storage[index] = plain[index] }
            guard get(at: 0, byteCount: 2) == 1 << 8 else { return nil }
        }
    }

    /// What the token says; to be believed after its tag was verified.
    var token: CookieToken {
        CookieToken(
            backendIdentity: get(at: 7, byteCount: 8), clientKey: get(at: 15, byteCount: 8),
            issuedAt: Int64(get(at: 2, byteCount: 5)),
            lastSeen: hasLastSeen ? Int64(get(at: 23, byteCount: 5)) : nil)
    }

    private var tagOffset: Int { hasLastSeen ? 29 : 23 }

    var tag: AuthenticationTag {
        get {
            AuthenticationTag(
                high: get(at: tagOffset, byteCount: 8), low: get(at: tagOffset + 8, byteCount: 8))
        }
        set {
            put(newValue.high, at: tagOffset)
            put(newValue.low, at: tagOffset + 8)
        }
    }

    /// Shows the bytes that count. The span is valid inside `body` only.
    func withBytes<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        let storage = storage
        return body(storage.span.extracting(..<count))
    }

    private mutating func put(_ number: UInt64, at offset: Int) {
        var span = storage.mutableSpan
        // SAFETY: any bits make a UInt8, and the store checks its bounds itself.
        var bytes = unsafe span.mutableBytes
        bytes.storeBytes(of: number.bigEndian, toByteOffset: offset, as: UInt64.self)
    }

    private func get(at offset: Int, byteCount: Int) -> UInt64 {
        var number: UInt64 = 0
        for index in 0..<byteCount { number = number << 8 | UInt64(storage[offset + index]) }
        return number
    }
}
