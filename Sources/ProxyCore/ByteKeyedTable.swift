import HTTPParser

/// A hash table from (salt, bytes) to a position, looked up with bytes in place: no String is made.
///
/// Open addressing with linear probing, at most two thirds full. Keys come from the configuration
/// alone, so nobody outside can make them collide.
struct ByteKeyedTable: Sendable {
    private struct Slot: Sendable {
        /// The lower half of the hash: twice as many bits as a table has that fits in memory.
        var hash: UInt32 = 0
        /// Of a few million routes at most, each has one in these bits.
        var salt: UInt32 = 0
        var key = ByteRange.empty
        /// Negative: free.
        var value: Int32 = -1
    }

    private var slots: [Slot]
    private var arena: [UInt8] = []
    private var used = 0

    init(capacity: Int) {
        var size = 8
        while size < capacity + capacity / 2 + 2 { size *= 2 }
        slots = Array(repeating: Slot(), count: size)
    }

    /// The hash of a whole key, eight bytes a step.
    struct Hash: Equatable, Sendable {
        let value: UInt64
        let salt: UInt64

        init(value: UInt64, salt: UInt64) {
            self.value = value
            self.salt = salt
        }

        /// - Parameter foldingCase: takes ASCII letters of either case for the same.
        @inline(__always)
        init(of key: Span<UInt8>, salt: UInt64, foldingCase: Bool = false) {
            var state = salt &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: key.count)
            var offset = 0
            while offset < key.count {
                let word = key.word(at: offset)
                state = (state ^ (foldingCase ? word.lowercased : word)) &* 0xFF51_AFD7_ED55_8CCD
                state ^= state >> 32
                offset += 8
            }
            self.init(value: state, salt: salt)
        }
    }

    /// FNV-1a: the hash of a key and of each of its beginnings, byte by byte.
    struct SteppedHash {
        private var state: UInt64
        private let salt: UInt64

        @inline(__always)
        init(salt: UInt64) {
            self.salt = salt
            state = 0xCBF2_9CE4_8422_2325 ^ (salt &* 0x9E37_79B9_7F4A_7C15)
        }

        init(of key: Span<UInt8>, salt: UInt64) {
            self.init(salt: salt)
            for index in key.indices { add(key[index]) }
        }

        @inline(__always)
        mutating func add(_ byte: UInt8) {
            state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }

        @inline(__always)
        var value: Hash { Hash(value: state ^ (state >> 29), salt: salt) }
    }

    /// Keeps what is there when the key is known.
    mutating func insert(_ key: Span<UInt8>, hash: Hash, value: Int) {
        if (used + 1) * 3 > slots.count * 2 { grow() }
        guard find(key, hash: hash) == nil else { return }
        let range = ByteRange(arena.count, arena.count + key.count)
        for index in key.indices { arena.append(key[index]) }
        place(
            Slot(
                hash: UInt32(truncatingIfNeeded: hash.value),
                salt: UInt32(truncatingIfNeeded: hash.salt), key: range,
                value: Int32(clamping: value)))
        used += 1
    }

    private mutating func place(_ slot: Slot) {
        var index = Int(slot.hash) & (slots.count - 1)
        while slots[index].value >= 0 { index = (index + 1) & (slots.count - 1) }
        slots[index] = slot
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(), count: old.count * 2)
        for slot in old where slot.value >= 0 { place(slot) }
    }

    /// Looks a key up whose letters may have either case; the table's own keys are lower case.
    func findIgnoringCase(_ key: Span<UInt8>, salt: UInt64) -> Int? {
        find(key, hash: Hash(of: key, salt: salt, foldingCase: true), foldingCase: true)
    }

    /// Looks a key up whose hash is known.
    func find(_ key: Span<UInt8>, hash: Hash, foldingCase: Bool = false) -> Int? {
        let slots = slots.span
        let (wanted, salt) = (
            UInt32(truncatingIfNeeded: hash.value), UInt32(truncatingIfNeeded: hash.salt)
        )
        var index = Int(wanted) & (slots.count - 1)
        while slots[index].value >= 0 {
            let slot = slots[index]
            if slot.hash == wanted, slot.salt == salt,
                isEqual(slot.key, key, foldingCase: foldingCase)
            {
                return Int(slot.value)
            }
            index = (index + 1) & (slots.count - 1)
        }
        return nil
    }

    private func isEqual(_ range: ByteRange, _ key: Span<UInt8>, foldingCase: Bool) -> Bool {
        guard range.count == key.count else { return false }
        let stored = arena.span.extracting(range.offsets)
        var offset = 0
        while offset < key.count {
            let word = key.word(at: offset)
            guard (foldingCase ? word.lowercased : word) == stored.word(at: offset) else {
                return false
            }
            offset += 8
        }
        return true
    }
}

extension Span where Element == UInt8 {
    /// Eight bytes from `offset` on. Where there are fewer, the last eight of all; of a span that
    /// has fewer than eight, all.
    @inline(__always)
    fileprivate func word(at offset: Int) -> UInt64 {
        if count >= 8 {
            // SAFETY: any bits make a UInt64, and the load checks its bounds itself.
            let word = unsafe bytes.unsafeLoadUnaligned(
                fromByteOffset: Swift.min(offset, count - 8), as: UInt64.self)
            return word.littleEndian
        }
        var word: UInt64 = 0
        for index in indices { word = word << 8 | UInt64(self[index]) }
        return word
    }
}

extension UInt64 {
    /// Eight bytes with their ASCII capitals made small.
    @inline(__always)
    fileprivate var lowercased: UInt64 {
        let low = self & 0x7F7F_7F7F_7F7F_7F7F
        // The top bit of each byte: from `A` on, and beyond `Z`. No sum leaves its byte.
        let fromA = low &+ 0x3F3F_3F3F_3F3F_3F3F
        let beyondZ = low &+ 0x2525_2525_2525_2525
        let capitals = (fromA ^ beyondZ) & ~self & 0x8080_8080_8080_8080
        return self | capitals >> 2
    }
}
