/// A part of the session table: entries that are found by their keys, and listed by use. No look-up
/// or change takes more steps in a large one than in a small one, but for its growing.
///
/// What costs time in a large one are misses of the cache. Moving an entry to the new end of the
/// list takes three beside its own, so an entry that moved not long ago stays where it is: "not
/// long" is a 64th of its idle time. However busy the clients are, each moves 64 times in that time
/// at most, and the one that goes first is by no more than that younger than the oldest. A small
/// one keeps the order of use exactly.
struct SessionShard: ~Copyable {
    private var slots = SessionSlots(groupCount: 0)
    private var oldest = SessionEntry.none
    private var newest = SessionEntry.none

    /// 1024 entries are 64 KB, which a cache holds.
    private static var exactMax: Int { 1024 }

    /// The place of the entry of `key`, whether in time or not.
    func find(_ key: SessionKey, _ hash: UInt64) -> UInt32? {
        slots.find(key, UInt32(truncatingIfNeeded: hash))
    }

    /// The backend of an entry, whose idle time starts anew; nil when its time was over.
    mutating func use(_ place: UInt32, at time: IdleTime) -> UInt64? {
        let entry = slots[place]
        guard !isExpired(entry, now: time.now) else { return nil }
        touch(place, at: time)
        return entry.backend
    }

    /// The backend of an entry, nil when its time is over; it does not count as a use.
    func look(at place: UInt32, now: UInt32) -> UInt64? {
        let entry = slots[place]
        return isExpired(entry, now: now) ? nil : entry.backend
    }

    mutating func rebind(_ place: UInt32, to backend: UInt64, at time: IdleTime) {
        slots[place].backend = backend
        touch(place, at: time)
    }

    /// Adds an entry; the key has none.
    mutating func insert(_ key: SessionKey, _ hash: UInt64, to backend: UInt64, at time: IdleTime) {
        if slots.isFull { grow() }
        let place = slots.insert(
            SessionEntry(
                key: key, backend: backend, lastUse: time.now, timeout: time.timeout,
                listedAt: time.now, hash: UInt32(truncatingIfNeeded: hash)))
        linkAsNewest(place)
    }

    /// False for an entry whose time is over.
    mutating func hold(_ place: UInt32, now: UInt32) -> Bool {
        let entry = slots[place]
        guard !isExpired(entry, now: now) else { return false }
        if entry.holds == 0 { unlink(place) }
        slots[place].holds += 1
        return true
    }

    mutating func release(_ place: UInt32, at time: IdleTime) {
        var entry = slots[place]
        guard entry.holds > 0 else { return }
        entry.holds -= 1
        if entry.holds == 0 {
            entry.lastUse = time.now
            entry.timeout = time.timeout
        }
        slots[place] = entry
        if entry.holds == 0 { linkAsNewest(place) }
    }

    /// Removes up to two entries from the old end whose time is over, and says how many. Two for
    /// each new one: the dead go faster than the living come.
    mutating func removeExpired(now: UInt32) -> Int {
        var removed = 0
        while removed < 2, oldest != SessionEntry.none, isExpired(slots[oldest], now: now) {
            remove(oldest)
            removed += 1
        }
        return removed
    }

    /// Removes the least recently used entry; false when all are held, or there are none.
    mutating func removeOldest() -> Bool {
        guard oldest != SessionEntry.none else { return false }
        remove(oldest)
        return true
    }

    /// All entries whose time is not over.
    func sessions(now: UInt32) -> [Session] {
        var sessions: [Session] = []
        sessions.reserveCapacity(slots.count)
        for place in 0..<UInt32(slots.placeCount) where slots.isTaken(place) {
            let entry = slots[place]
            guard !isExpired(entry, now: now) else { continue }
            let idle = entry.holds > 0 ? 0 : secondsSince(entry.lastUse, now)
            sessions.append(
                Session(
                    key: entry.key, backend: entry.backend, secondsLeft: entry.timeout - idle,
                    holds: entry.holds))
        }
        return sessions
    }

    /// 0 when this worker's clock is behind the one that wrote the time. The difference is right
    /// across the wrap of the counter.
    private func secondsSince(_ time: UInt32, _ now: UInt32) -> UInt32 {
        UInt32(max(Int32(bitPattern: now &- time), 0))
    }

    private func isExpired(_ entry: SessionEntry, now: UInt32) -> Bool {
        // Whole seconds have passed only when the difference of two rounded times is greater.
        entry.holds == 0 && secondsSince(entry.lastUse, now) > entry.timeout
    }

    private mutating func touch(_ place: UInt32, at time: IdleTime) {
        var entry = slots[place]
        if secondsSince(entry.lastUse, time.now) > 0 { entry.lastUse = time.now }
        entry.timeout = time.timeout
        slots[place] = entry
        guard entry.holds == 0, newest != place else { return }
        let listed = UInt64(secondsSince(entry.listedAt, time.now))
        guard slots.count <= Self.exactMax || listed * 64 > UInt64(time.timeout) else { return }
        unlink(place)
        linkAsNewest(place)
    }

    // The list by use.

    private mutating func linkAsNewest(_ place: UInt32) {
        var entry = slots[place]
        entry.older = newest
        entry.newer = SessionEntry.none
        entry.listedAt = entry.lastUse
        slots[place] = entry
        if newest == SessionEntry.none { oldest = place } else { slots[newest].newer = place }
        newest = place
    }

    private mutating func unlink(_ place: UInt32) {
        let (older, newer) = (slots[place].older, slots[place].newer)
        if older == SessionEntry.none { oldest = newer } else { slots[older].newer = newer }
        if newer == SessionEntry.none { newest = older } else { slots[newer].older = older }
    }

    /// Removes an entry that is in the list by use.
    private mutating func remove(_ place: UInt32) {
        unlink(place)
        slots.remove(place)
    }

    /// By a quarter: more would leave more places empty, and a million sessions take more than
    /// 100 MB.
    private mutating func grow() {
        var larger = SessionSlots(groupCount: max(slots.groupCount * 5 / 4, slots.groupCount + 1))
        var moved = [UInt32](repeating: SessionEntry.none, count: slots.placeCount)
        for place in 0..<UInt32(slots.placeCount) where slots.isTaken(place) {
            moved[Int(place)] = larger.insert(slots[place])
        }
        for place in moved where place != SessionEntry.none {
            larger[place].older = followed(larger[place].older, by: moved)
            larger[place].newer = followed(larger[place].newer, by: moved)
        }
        (oldest, newest) = (followed(oldest, by: moved), followed(newest, by: moved))
        slots = larger
    }

    private func followed(_ place: UInt32, by moved: [UInt32]) -> UInt32 {
        place == SessionEntry.none ? place : moved[Int(place)]
    }
}
