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
