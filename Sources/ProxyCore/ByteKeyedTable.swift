import HTTPParser

/// A hash table from (salt, bytes) to a position, looked up with bytes in place: no String is made.
///
/// Open addressing with linear probing, at most half full. Keys come from the configuration alone,
/// so nobody outside can make them collide. ASCII letters are folded where `foldsCase` says so.
struct ByteKeyedTable: Sendable {
    private struct Slot: Sendable {
        var salt: UInt64 = 0
        var hash: UInt64 = 0
        var key = ByteRange.empty
        /// Negative: free.
        var value: Int32 = -1
    }

    private var slots: [Slot]
    private var arena: [UInt8] = []
    private var used = 0

    init(capacity: Int) {
        var size = 8
        while size < capacity * 2 + 2 { size *= 2 }
        slots = Array(repeating: Slot(), count: size)
    }

    /// FNV-1a over bytes, seeded with the salt, spread once more when used.
    struct Hash: Sendable {
        private var state: UInt64
        let salt: UInt64

        @inline(__always)
        init(salt: UInt64) {
            self.salt = salt
            state = 0xCBF2_9CE4_8422_2325 ^ (salt &* 0x9E37_79B9_7F4A_7C15)
        }

        @inline(__always)
        mutating func add(_ byte: UInt8) {
            state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }

        @inline(__always)
        var value: UInt64 { state ^ (state >> 29) }
    }

    /// Keeps what is there when the key is known.
    mutating func insert(_ key: ArraySlice<UInt8>, salt: UInt64, value: Int) {
        if (used + 1) * 2 > slots.count { grow() }
        var hash = Hash(salt: salt)
        for byte in key { hash.add(byte) }
        let bytes = Array(key)
        guard find(bytes.span, hash: hash) == nil else { return }
        let range = ByteRange(arena.count, arena.count + bytes.count)
        arena += bytes
        place(Slot(salt: salt, hash: hash.value, key: range, value: Int32(clamping: value)))
        used += 1
    }

    private mutating func place(_ slot: Slot) {
        var index = Int(truncatingIfNeeded: slot.hash) & (slots.count - 1)
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
        var hash = Hash(salt: salt)
        for index in key.indices { hash.add(ByteKeyedTable.folded(key[index])) }
        return find(key, hash: hash, foldingCase: true)
    }

    func find(_ key: Span<UInt8>, salt: UInt64) -> Int? {
        var hash = Hash(salt: salt)
        for index in key.indices { hash.add(key[index]) }
        return find(key, hash: hash)
    }

    /// Looks a key up whose hash is known.
    func find(_ key: Span<UInt8>, hash: Hash, foldingCase: Bool = false) -> Int? {
        let value = hash.value
        var index = Int(truncatingIfNeeded: value) & (slots.count - 1)
        while slots[index].value >= 0 {
            let slot = slots[index]
            if slot.hash == value, slot.salt == hash.salt,
                isEqual(slot.key, key, foldingCase: foldingCase)
            {
                return Int(slot.value)
            }
            index = (index + 1) & (slots.count - 1)
        }
        return nil
    }

    private func isEqual(_ stored: ByteRange, _ key: Span<UInt8>, foldingCase: Bool) -> Bool {
        guard stored.count == key.count else { return false }
        for index in key.indices {
            let byte = foldingCase ? ByteKeyedTable.folded(key[index]) : key[index]
            if arena[Int(stored.start) + index] != byte { return false }
        }
        return true
    }

    @inline(__always)
    private static func folded(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }
}
