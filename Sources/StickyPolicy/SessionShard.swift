/// Who has a session: a client address, cut to its prefix, at a service.
@frozen
public struct SessionKey: Hashable, Sendable {
    /// Stable hash of the service's name.
    public let service: UInt64
    public let address: IPAddress

    public init(service: UInt64, address: IPAddress) {
        self.service = service
        self.address = address
    }
}

/// The time, and how long a session may be idle.
@frozen
public struct IdleTime: Equatable, Sendable {
    /// Seconds of a monotonic clock. It may wrap around, and may be a little behind another
    /// worker's.
    public let now: UInt32
    /// Seconds, at most a day.
    public let timeout: UInt32

    public init(now: UInt32, timeout: UInt32) {
        self.now = now
        self.timeout = timeout
    }
}

/// One live session, as a listing shows it.
public struct Session: Equatable, Sendable {
    public let key: SessionKey
    /// Stable hash of the backend's name.
    public let backend: UInt64
    /// Seconds until it ends if no request comes; the whole time while a tunnel holds it.
    public let secondsLeft: UInt32
    /// Open tunnels.
    public let holds: UInt32
}

/// A part of the session table: a hash table whose entries lie in one array, chained within their
/// buckets and listed by use. No look-up or change takes more steps in a large one than in a small
/// one, but for the doubling of the buckets.
///
/// What costs time in a large one are misses of the cache, one for each place that is looked at. So
/// a use only marks the entry, and does not move it to the new end of the list, which takes three
/// more places: it moves when it is found marked at the old end (the second chance of a page
/// replacement). A small one keeps the order of use exactly.
struct SessionShard {
    /// 64 bytes: a million of them and their buckets stay below 100 MB.
    struct Entry {
        let key: SessionKey
        var backend: UInt64
        var lastUse: UInt32
        var timeout: UInt32
        var holds: UInt32 = 0
        /// Since it came to the new end of the list; in large shards alone.
        var wasUsed = false
        let hash: UInt32
        /// The next entry of the bucket, or of the free ones.
        var chain: UInt32
        /// Neighbours in the list by use; an entry that is held is not in the list.
        var older = SessionShard.none
        var newer = SessionShard.none
    }

    private var entries: [Entry] = []
    /// Heads of the chains; their count is a power of two, or 0 before the first entry.
    private var buckets: [UInt32] = []
    private var liveCount = 0
    private var free = SessionShard.none
    private var oldest = SessionShard.none
    private var newest = SessionShard.none

    static var none: UInt32 { .max }
    /// 1024 entries are 64 KB, which a cache holds.
    private static var exactMax: Int { 1024 }
    /// Entries that get a second chance before one has to go all the same.
    private static var chancesMax: Int { 64 }

    /// The place of the entry of `key`, whether in time or not.
    func find(_ key: SessionKey, _ hash: UInt64) -> UInt32? {
        guard !buckets.isEmpty else { return nil }
        let short = UInt32(truncatingIfNeeded: hash)
        var index = buckets[bucket(short)]
        while index != Self.none {
            let entry = entries[Int(index)]
            if entry.hash == short, entry.key == key { return index }
            index = entry.chain
        }
        return nil
    }

    /// The backend of an entry, whose idle time starts anew; nil when its time was over.
    mutating func use(_ index: UInt32, at time: IdleTime) -> UInt64? {
        guard !isExpired(index, now: time.now) else { return nil }
        touch(index, at: time)
        return entries[Int(index)].backend
    }

    /// The backend of an entry, nil when its time is over; it does not count as a use.
    func look(at index: UInt32, now: UInt32) -> UInt64? {
        isExpired(index, now: now) ? nil : entries[Int(index)].backend
    }

    mutating func rebind(_ index: UInt32, to backend: UInt64, at time: IdleTime) {
        entries[Int(index)].backend = backend
        touch(index, at: time)
    }

    /// Adds an entry; the key has none.
    mutating func insert(_ key: SessionKey, _ hash: UInt64, to backend: UInt64, at time: IdleTime) {
        // Half full at most: an entry that is passed on the way costs a miss of the cache.
        if 2 * liveCount >= buckets.count { growBuckets() }
        let short = UInt32(truncatingIfNeeded: hash)
        let bucket = bucket(short)
        let entry = Entry(
            key: key, backend: backend, lastUse: time.now, timeout: time.timeout, hash: short,
            chain: buckets[bucket])
        let index = place(entry)
        buckets[bucket] = index
        liveCount += 1
        linkAsNewest(index)
    }

    /// False for an entry whose time is over.
    mutating func hold(_ index: UInt32, now: UInt32) -> Bool {
        guard !isExpired(index, now: now) else { return false }
        if entries[Int(index)].holds == 0 { unlink(index) }
        entries[Int(index)].holds += 1
        return true
    }

    mutating func release(_ index: UInt32, at time: IdleTime) {
        guard entries[Int(index)].holds > 0 else { return }
        entries[Int(index)].holds -= 1
        guard entries[Int(index)].holds == 0 else { return }
        entries[Int(index)].lastUse = time.now
        entries[Int(index)].timeout = time.timeout
        linkAsNewest(index)
    }

    /// Removes up to two entries from the old end whose time is over, and says how many. Two for
    /// each new one: the dead go faster than the living come.
    mutating func removeExpired(now: UInt32) -> Int {
        var removed = 0
        for _ in 0..<4 where removed < 2 {
            guard oldest != Self.none else { break }
            if isExpired(oldest, now: now) {
                remove(oldest)
                removed += 1
            } else if !giveSecondChance() {
                break
            }
        }
        return removed
    }

    /// Removes the least recently used entry; false when all are held, or there are none.
    mutating func removeOldest() -> Bool {
        guard oldest != Self.none else { return false }
        var chances = 0
        while chances < Self.chancesMax, giveSecondChance() { chances += 1 }
        remove(oldest)
        return true
    }

    /// Moves the oldest entry to the new end if it was used; false if it was not.
    private mutating func giveSecondChance() -> Bool {
        let index = oldest
        guard entries[Int(index)].wasUsed else { return false }
        unlink(index)
        linkAsNewest(index)
        return true
    }

    /// All entries whose time is not over.
    func sessions(now: UInt32) -> [Session] {
        var sessions: [Session] = []
        for head in buckets {
            var index = head
            while index != Self.none {
                let entry = entries[Int(index)]
                if !isExpired(index, now: now) {
                    sessions.append(
                        Session(
                            key: entry.key, backend: entry.backend,
                            secondsLeft: entry.timeout - (entry.holds > 0 ? 0 : age(entry, now)),
                            holds: entry.holds))
                }
                index = entry.chain
            }
        }
        return sessions
    }

    /// Seconds since the last use; 0 when this worker's clock is behind the one that wrote it. The
    /// difference is right across the wrap of the counter.
    private func age(_ entry: Entry, _ now: UInt32) -> UInt32 {
        UInt32(max(Int32(bitPattern: now &- entry.lastUse), 0))
    }

    private func isExpired(_ index: UInt32, now: UInt32) -> Bool {
        let entry = entries[Int(index)]
        // Whole seconds have passed only when the difference of two rounded times is greater.
        return entry.holds == 0 && age(entry, now) > entry.timeout
    }

    private mutating func touch(_ index: UInt32, at time: IdleTime) {
        if Int32(bitPattern: time.now &- entries[Int(index)].lastUse) > 0 {
            entries[Int(index)].lastUse = time.now
        }
        entries[Int(index)].timeout = time.timeout
        guard entries[Int(index)].holds == 0 else { return }
        guard liveCount <= Self.exactMax else {
            entries[Int(index)].wasUsed = true
            return
        }
        guard newest != index else { return }
        unlink(index)
        linkAsNewest(index)
    }

    // The list by use.

    private mutating func linkAsNewest(_ index: UInt32) {
        entries[Int(index)].older = newest
        entries[Int(index)].newer = Self.none
        entries[Int(index)].wasUsed = false
        if newest == Self.none { oldest = index } else { entries[Int(newest)].newer = index }
        newest = index
    }

    private mutating func unlink(_ index: UInt32) {
        let (older, newer) = (entries[Int(index)].older, entries[Int(index)].newer)
        if older == Self.none { oldest = newer } else { entries[Int(older)].newer = newer }
        if newer == Self.none { newest = older } else { entries[Int(newer)].older = older }
    }

    // The buckets and the places.

    private func bucket(_ hash: UInt32) -> Int {
        Int(hash) & (buckets.count - 1)
    }

    /// Puts an entry into a free place, or a new one.
    private mutating func place(_ entry: Entry) -> UInt32 {
        guard free != Self.none else {
            entries.append(entry)
            return UInt32(truncatingIfNeeded: entries.count - 1)
        }
        let index = free
        free = entries[Int(index)].chain
        entries[Int(index)] = entry
        return index
    }

    /// Removes an entry that is in the list by use.
    private mutating func remove(_ index: UInt32) {
        unlink(index)
        let next = entries[Int(index)].chain
        let bucket = bucket(entries[Int(index)].hash)
        if buckets[bucket] == index {
            buckets[bucket] = next
        } else {
            var previous = buckets[bucket]
            while entries[Int(previous)].chain != index { previous = entries[Int(previous)].chain }
            entries[Int(previous)].chain = next
        }
        entries[Int(index)].chain = free
        free = index
        liveCount -= 1
    }

    /// Doubles the buckets, and chains every entry anew.
    private mutating func growBuckets() {
        let old = buckets
        buckets = Array(repeating: Self.none, count: max(16, old.count * 2))
        for head in old {
            var index = head
            while index != Self.none {
                let next = entries[Int(index)].chain
                let bucket = bucket(entries[Int(index)].hash)
                entries[Int(index)].chain = buckets[bucket]
                buckets[bucket] = index
                index = next
            }
        }
    }
}
