/// Signs and verifies with the secret keys of the routes file, or with a built-in one.
///
/// The program implements it as HMAC-SHA256 over a crypto library; the policy knows the keys only
/// by their positions.
public protocol MessageAuthenticator: Sendable {
    /// How many keys there are, at least one. The key 0 signs, and every key verifies.
    var keyCount: Int { get }

    /// The first 128 bits of the authentication code of `message` under a key, 0..<keyCount.
    func tag(over message: Span<UInt8>, key: Int) -> AuthenticationTag
}

/// An authentication code cut to 128 bits (RFC 2104 §5 allows half of the hash's length).
@frozen
public struct AuthenticationTag: Equatable, Sendable {
    /// The bytes 0...7 in network order, read as a number.
    public var high: UInt64
    /// The bytes 8...15.
    public var low: UInt64

    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Takes the same time whatever the tags are: how long a comparison lasts must not tell a
    /// forger how far the guess was right.
    @inlinable
    public static func == (left: AuthenticationTag, right: AuthenticationTag) -> Bool {
        (left.high ^ right.high) | (left.low ^ right.low) == 0
    }
}
