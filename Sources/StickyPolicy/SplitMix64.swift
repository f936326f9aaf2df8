/// A small generator for client keys and for choices between backends, one per worker.
///
/// Its numbers are distinct and well spread, and predictable to whoever sees one: nothing secret is
/// made of them. The cookie that carries a client key is authenticated by other means.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) {
        state = seed
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return mixed(state)
    }
}

/// A permutation of 64-bit words in which every bit of the input moves half of the output's.
func mixed(_ word: UInt64) -> UInt64 {
    var word = word
    word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
}

/// The word that `mixed` makes this one of: its steps undone, the last one first. The factors are
/// the inverses of those above, modulo 2^64.
func unmixed(_ word: UInt64) -> UInt64 {
    var word = word
    word = (word ^ word >> 31 ^ word >> 62) &* 0x3196_42B2_D24D_8EC3
    word = (word ^ word >> 27 ^ word >> 54) &* 0x96DE_1B17_3F11_9089
    return word ^ word >> 30 ^ word >> 60
}
