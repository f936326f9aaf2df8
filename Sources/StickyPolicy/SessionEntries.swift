/// A session as a shard of the table keeps it: 60 bytes, and a cache line of its own.
struct SessionEntry: BitwiseCopyable {
    let key: SessionKey
    var backend: UInt64
    /// Seconds of the clock of `IdleTime`.
    var lastUse: UInt32
    var timeout: UInt32
    /// When it came to the new end of the list by use: its last use, or one not long before.
    var listedAt: UInt32
    /// Open tunnels.
    var holds: UInt32 = 0
    let hash: UInt32
    /// Neighbours in the list by use; an entry that is held is not in the list.
    var older = SessionEntry.none
    var newer = SessionEntry.none

    /// Stands for no place.
    static var none: UInt32 { .max }
}

/// Entries at fixed places, each at the start of a cache line, so that a look-up waits for one.
/// An array would lay them across two.
@safe
struct SessionEntries: ~Copyable {
    static var byteCountOfEach: Int { 64 }

    let count: Int
    private let memory: UnsafeMutableRawPointer

    init(count: Int) {
        self.count = count
        let byteCount = count * Self.byteCountOfEach
        // SAFETY: this value owns the memory, gives it out nowhere, and frees it in `deinit`. All
        // of it is set to 0 here, which makes an entry, as any bits do.
        unsafe memory = UnsafeMutableRawPointer.allocate(
            byteCount: byteCount, alignment: Self.byteCountOfEach)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }

    deinit {
        // SAFETY: entries are plain bytes, so there is nothing to end before.
        unsafe memory.deallocate()
    }

    subscript(place: UInt32) -> SessionEntry {
        @inline(__always) get {
            precondition(Int(place) < count)
            // SAFETY: the place lies within the memory, which holds an entry every 64 bytes.
            return unsafe memory.load(
                fromByteOffset: Int(place) * Self.byteCountOfEach, as: SessionEntry.self)
        }
        @inline(__always) set {
            precondition(Int(place) < count)
            // SAFETY: as above; an entry is smaller than the distance to the next.
            unsafe memory.storeBytes(
                of: newValue, toByteOffset: Int(place) * Self.byteCountOfEach,
                as: SessionEntry.self)
        }
    }
}
