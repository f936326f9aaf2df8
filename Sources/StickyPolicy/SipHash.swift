/// SipHash-1-3: a short hash whose values nobody can steer who does not know the key.
///
/// With a secret key it keeps hostile addresses from piling up in one bucket; with the fixed key of
/// `stableHash` it names things, the same in every process and release.
struct SipHash {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64

    init(key: (UInt64, UInt64)) {
        v0 = key.0 ^ 0x736F_6D65_7073_6575
        v1 = key.1 ^ 0x646F_7261_6E64_6F6D
        v2 = key.0 ^ 0x6C79_6765_6E65_7261
        v3 = key.1 ^ 0x7465_6462_7974_6573
    }

    /// Takes in one word of the message.
    mutating func combine(_ word: UInt64) {
        v3 ^= word
        round()
        v0 ^= word
    }

    /// Takes in bytes, and their count: nothing but words may follow.
    mutating func combine(_ bytes: Span<UInt8>) {
        var word: UInt64 = 0
        for index in bytes.indices {
            word |= UInt64(bytes[index]) << UInt64(8 * (index % 8))
            if index % 8 == 7 {
                combine(word)
                word = 0
            }
        }
        combine(word | UInt64(truncatingIfNeeded: bytes.count) << 56)
    }

    consuming func finalize() -> UInt64 {
        v2 ^= 0xFF
        round()
        round()
        round()
        return v0 ^ v1 ^ v2 ^ v3
    }

    @inline(__always)
    private mutating func round() {
        v0 &+= v1
        v1 = v1 << 13 | v1 >> 51
        v1 ^= v0
        v0 = v0 << 32 | v0 >> 32
        v2 &+= v3
        v3 = v3 << 16 | v3 >> 48
        v3 ^= v2
        v0 &+= v3
        v3 = v3 << 21 | v3 >> 43
        v3 ^= v0
        v2 &+= v1
        v1 = v1 << 17 | v1 >> 47
        v1 ^= v2
        v2 = v2 << 32 | v2 >> 32
    }
}

/// The 64-bit name of a service or backend: the same in every process, replica and release, so that
/// sessions outlive a reload and replicas agree. It is no secret.
func stableHash(_ text: String) -> UInt64 {
    let bytes = Array(text.utf8)
    return stableHash(bytes.span)
}

func stableHash(_ text: Span<UInt8>) -> UInt64 {
    var hash = SipHash(key: (0, 0))
    hash.combine(text)
    return hash.finalize()
}

extension IPAddress {
    /// A 64-bit key of the address for rendezvous hashing, the same in every process.
    public var stableHash: UInt64 {
        var hash = SipHash(key: (0, 0))
        hash.combine(high)
        hash.combine(low)
        return hash.finalize()
    }
}
