/// The places of a shard's entries, and which key is where.
///
/// Groups of fifteen places: a byte for each holds seven bits of its key's hash, and all fifteen
/// are compared at once. What costs time in a large table are misses of the cache, and here a
/// look-up has one, the entry itself: the bytes of a million sessions are 1.5 MB, and it hardly
/// ever reads an entry that is not the one.
struct SessionSlots: ~Copyable {
    private typealias Group = SIMD16<UInt8>

    /// In the last lane: how many keys did not fit into the group and lie behind it, 255 for more
    /// than could be counted. In the others 0 stands for a free place.
    private var groups: [Group]
    private var entries: SessionEntries
    private(set) var count = 0

    private static var groupSize: Int { 15 }
    /// Taken places for each group: with 14 of 15 most look-ups still end in their first group.
    private static var meanTaken: Int { 14 }
    private static var overflowLane: Int { 15 }

    init(groupCount: Int) {
        groups = Array(repeating: Group(repeating: 0), count: groupCount)
        entries = SessionEntries(count: groupCount * Self.groupSize)
    }

    var groupCount: Int { groups.count }
    var placeCount: Int { entries.count }

    /// One more would make look-ups slow.
    var isFull: Bool { count >= groups.count * Self.meanTaken }

    subscript(place: UInt32) -> SessionEntry {
        @inline(__always) get { entries[place] }
        @inline(__always) set { entries[place] = newValue }
    }

    func isTaken(_ place: UInt32) -> Bool {
        let (group, lane) = Int(place).quotientAndRemainder(dividingBy: Self.groupSize)
        return groups[group][lane] != 0
    }

    func find(_ key: SessionKey, _ hash: UInt32) -> UInt32? {
        guard !groups.isEmpty else { return nil }
        var group = home(of: hash)
        let wanted = Group(repeating: tag(of: hash))
        for _ in groups.indices {
            let tags = groups[group]
            var lanes = Self.lanes(tags .== wanted)
            while lanes != 0 {
                let place = place(inGroup: group, lane: lanes.trailingZeroBitCount &>> 3)
                if entries[place].key == key { return place }
                lanes &= lanes &- 1
            }
            if tags[Self.overflowLane] == 0 { return nil }
            group = next(group)
        }
        return nil
    }

    /// Takes a place for an entry whose key has none. There must be a free one.
    mutating func insert(_ entry: SessionEntry) -> UInt32 {
        var group = home(of: entry.hash)
        let free = Group(repeating: 0)
        while true {
            let lanes = Self.lanes(groups[group] .== free)
            if lanes != 0 {
                let lane = lanes.trailingZeroBitCount &>> 3
                groups[group][lane] = tag(of: entry.hash)
                let place = place(inGroup: group, lane: lane)
                entries[place] = entry
                count += 1
                return place
            }
            let overflow = groups[group][Self.overflowLane]
            groups[group][Self.overflowLane] = overflow == .max ? .max : overflow + 1
            group = next(group)
        }
    }

    mutating func remove(_ place: UInt32) {
        let (last, lane) = Int(place).quotientAndRemainder(dividingBy: Self.groupSize)
        groups[last][lane] = 0
        count -= 1
        var group = home(of: entries[place].hash)
        while group != last {
            let overflow = groups[group][Self.overflowLane]
            groups[group][Self.overflowLane] = overflow == .max ? .max : overflow - 1
            group = next(group)
        }
    }

    /// The group where the search for a key begins: its share of all hashes, so that there may be
    /// any number of groups.
    private func home(of hash: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(hash) &* UInt64(groups.count)) >> 32)
    }

    private func next(_ group: Int) -> Int {
        group + 1 == groups.count ? 0 : group + 1
    }

    /// Of the low bits, as the high ones choose the group; never that of a free place.
    private func tag(of hash: UInt32) -> UInt8 {
        UInt8(truncatingIfNeeded: hash) | 0x80
    }

    private func place(inGroup group: Int, lane: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: group * Self.groupSize + lane)
    }

    /// A bit for each of the fifteen lanes that are set, eight bits apart.
    @inline(__always)
    private static func lanes(_ mask: SIMDMask<SIMD16<Int8>>) -> UInt128 {
        // SAFETY: both are sixteen bytes without padding; a lane of a mask is all ones or zeros.
        let bits = UInt128(littleEndian: unsafe unsafeBitCast(mask, to: UInt128.self))
        return bits & 0x0001_0101_0101_0101_0101_0101_0101_0101
    }
}
