internal import Synchronization

/// Which clients belong to which backends by their addresses: one table for all workers, since a
/// client may land on any of them.
///
/// It is cut into shards by a hash of the key, each with a lock of its own that is held for one
/// look-up. Backends are named by hashes of their names and services likewise, so that the table
/// outlives a reload of the configuration as it is. What is idle for longer than its time counts as
/// gone, and goes for good when its place is needed.
public final class SessionTable: Sendable {
    private let shards: InlineArray<256, Mutex<SessionShard>>
    /// Shards in use, a power of two.
    public let shardCount: Int
    /// Most sessions of all shards together.
    public let limit: Int
    private let stored = Atomic<Int>(0)
    private let seed: HashSeed
    /// Non-nil exactly for a table that only answers questions.
    private let base: SessionTable?

    /// The secret of this process that decides where a key is kept. Whoever knew it could choose
    /// addresses that all fall into one bucket.
    public struct HashSeed: Sendable {
        fileprivate let key0: UInt64
        fileprivate let key1: UInt64

        public init(_ key0: UInt64, _ key1: UInt64) {
            self.key0 = key0
            self.key1 = key1
        }
    }

    /// - Parameters:
    ///   - limit: most sessions that are kept; the least recently used of a shard makes room.
    ///   - seed: random, new for each process.
    public init(limit: Int, seed: HashSeed) {
        self.limit = max(limit, 1)
        self.seed = seed
        base = nil
        // A small table has few shards: with a thousand sessions or more to each, the least
        // recently used of a shard is nearly that of the table, and one shard is exact.
        var count = 1
        while count < 256, self.limit / (count * 2) >= 1024 { count *= 2 }
        shardCount = count
        shards = InlineArray { _ in Mutex(SessionShard()) }
    }

    /// A table for questions: it knows all that `base` knows, and keeps what is written to it to
    /// itself.
    init(asking base: SessionTable) {
        self.base = base
        limit = 1_024
        seed = base.seed
        shardCount = 1
        shards = InlineArray { _ in Mutex(SessionShard()) }
    }

    /// Sessions that are kept, those included whose time is over but whose place was not needed.
    public var count: Int { stored.load(ordering: .relaxed) }

    /// The backend that a client is bound to; its idle time starts anew.
    public func backend(of key: SessionKey, at time: IdleTime) -> UInt64? {
        let hash = hash(of: key)
        let bound = shards[position(hash)].withLock { shard in
            shard.find(key, hash).flatMap { shard.use($0, at: time) }
        }
        return bound ?? base?.look(at: key, now: time.now)
    }

    /// As `backend(of:at:)`, and leaves no trace.
    private func look(at key: SessionKey, now: UInt32) -> UInt64? {
        let hash = hash(of: key)
        return shards[position(hash)].withLock { shard in
            shard.find(key, hash).flatMap { shard.look(at: $0, now: now) }
        }
    }

    /// Binds a client and answers whom it is bound to, which is another backend when a request on
    /// another worker was faster.
    ///
    /// - Parameter lost: the backend that the client had and cannot have any more; nil when it had
    ///   none. A binding to any other backend that is still in time stays as it is.
    public func bind(
        _ key: SessionKey, to backend: UInt64, replacing lost: UInt64?, at time: IdleTime
    ) -> UInt64 {
        if let bound = base?.look(at: key, now: time.now), bound != lost { return bound }
        let hash = hash(of: key)
        return shards[position(hash)].withLock { shard in
            if let index = shard.find(key, hash) {
                if let bound = shard.use(index, at: time), bound != lost { return bound }
                shard.rebind(index, to: backend, at: time)
            } else if makeRoom(in: &shard, at: time) {
                shard.insert(key, hash, to: backend, at: time)
            }
            return backend
        }
    }

    /// Binds a client to a backend, whatever it was bound to before.
    public func rebind(_ key: SessionKey, to backend: UInt64, at time: IdleTime) {
        let hash = hash(of: key)
        shards[position(hash)].withLock { shard in
            if let index = shard.find(key, hash) {
                shard.rebind(index, to: backend, at: time)
            } else if makeRoom(in: &shard, at: time) {
                shard.insert(key, hash, to: backend, at: time)
            }
        }
    }

    /// Live sessions of each backend of a service, counted one shard after the other: for people,
    /// not for requests.
    public func counts(ofService service: UInt64, now: UInt32) -> [UInt64: Int] {
        var counts: [UInt64: Int] = [:]
        for shard in 0..<shardCount {
            for session in sessions(inShard: shard, now: now) where session.key.service == service {
                counts[session.backend, default: 0] += 1
            }
        }
        return counts
    }

    /// Keeps a session while a tunnel is open: neither time nor the limit takes it. False when
    /// there is none to keep; otherwise `release` must follow.
    public func hold(_ key: SessionKey, now: UInt32) -> Bool {
        let hash = hash(of: key)
        return shards[position(hash)].withLock { shard in
            guard let index = shard.find(key, hash) else { return false }
            return shard.hold(index, now: now)
        }
    }

    /// Ends one `hold`; with the last one the idle time starts.
    public func release(_ key: SessionKey, at time: IdleTime) {
        let hash = hash(of: key)
        shards[position(hash)].withLock { shard in
            if let index = shard.find(key, hash) { shard.release(index, at: time) }
        }
    }

    /// The live sessions of one shard, 0..<shardCount, as a copy.
    public func sessions(inShard position: Int, now: UInt32) -> [Session] {
        precondition(position < shardCount)
        return shards[position].withLock { $0.sessions(now: now) }
    }

    /// Counts one session more; at the limit the shard's least recently used one goes. False when
    /// the table is full and the shard has none that may go.
    private func makeRoom(in shard: inout SessionShard, at time: IdleTime) -> Bool {
        let expired = shard.removeExpired(now: time.now)
        stored.subtract(expired, ordering: .relaxed)
        let before = stored.add(1, ordering: .relaxed).oldValue
        if before < limit { return true }
        stored.subtract(1, ordering: .relaxed)
        return shard.removeOldest()
    }

    /// Which shard: the high bits of the hash, since the low ones choose the bucket in it.
    private func position(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash >> 32) & (shardCount - 1)
    }

    private func hash(of key: SessionKey) -> UInt64 {
        var hash = SipHash(key: (seed.key0, seed.key1))
        hash.combine(key.service)
        hash.combine(key.address.high)
        hash.combine(key.address.low)
        return hash.finalize()
    }
}
