import CSSL
import HTTPParser
import StickyPolicy

/// HMAC-SHA256 (RFC 2104) with OpenSSL's digest, truncated to 128 bits: the seal of affinity
/// cookies.
///
/// A key is kept as the two digest states that follow from it, so a tag costs no allocation and no
/// key schedule, and event loops share one authenticator without a lock.
struct HMACAuthenticator: MessageAuthenticator {
    private struct Key: Sendable {
        var inner: SHA256_CTX
        var outer: SHA256_CTX
    }

    private let keys: [Key]

    /// - Parameter secrets: the first signs, all verify. Not empty.
    init(secrets: [[UInt8]]) {
        precondition(!secrets.isEmpty)
        keys = secrets.map(HMACAuthenticator.key(from:))
    }

    var keyCount: Int { keys.count }

    func tag(over message: Span<UInt8>, key: Int) -> AuthenticationTag {
        var state = keys[key].inner
        unsafe message.withUnsafeBytes { bytes in
            // SAFETY: the span's own memory and count.
            _ = unsafe SHA256_Update(&state, bytes.baseAddress, bytes.count)
        }
        let digest = HMACAuthenticator.finish(&state)
        state = keys[key].outer
        HMACAuthenticator.update(&state, with: digest)
        let tag = HMACAuthenticator.finish(&state)
        return AuthenticationTag(high: tag.0, low: tag.1)
    }

    private typealias Digest = (UInt64, UInt64, UInt64, UInt64)

    private static let blockByteCount = Int(SHA256_CBLOCK)

    private static func key(from secret: [UInt8]) -> Key {
        var block = [UInt8](repeating: 0, count: blockByteCount)
        // RFC 2104 §2: a key longer than a block is hashed first.
        let short = secret.count > blockByteCount ? digest(of: secret) : secret
        for (index, byte) in short.enumerated() { block[index] = byte }
        return Key(
            inner: state(after: block.map { $0 ^ 0x36 }),
            outer: state(after: block.map { $0 ^ 0x5C }))
    }

    private static func state(after bytes: [UInt8]) -> SHA256_CTX {
        var state = SHA256_CTX()
        // SAFETY: `state` is a local value; the array's own memory and count.
        unsafe bytes.withUnsafeBytes { bytes in
            _ = unsafe SHA256_Init(&state)
            _ = unsafe SHA256_Update(&state, bytes.baseAddress, bytes.count)
        }
        return state
    }

    private static func digest(of bytes: [UInt8]) -> [UInt8] {
        var state = state(after: bytes)
        var digest = finish(&state)
        // SAFETY: a tuple of four words has exactly the digest's 32 bytes.
        return unsafe withUnsafeBytes(of: &digest) { unsafe Array($0) }
    }

    private static func update(_ state: inout SHA256_CTX, with digest: Digest) {
        // SAFETY: a tuple of four words has exactly the digest's 32 bytes.
        unsafe withUnsafeBytes(of: digest) { bytes in
            _ = unsafe SHA256_Update(&state, bytes.baseAddress, bytes.count)
        }
    }

    private static func finish(_ state: inout SHA256_CTX) -> Digest {
        var digest: Digest = (0, 0, 0, 0)
        unsafe withUnsafeMutableBytes(of: &digest) { bytes in
            // SAFETY: `SHA256_Final` writes 32 bytes, which is what four words are.
            let target = unsafe bytes.baseAddress.unsafelyUnwrapped
            _ = unsafe SHA256_Final(target.assumingMemoryBound(to: UInt8.self), &state)
        }
        return digest
    }
}
