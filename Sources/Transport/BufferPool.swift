/// Buffers of five sizes that one loop uses again and again. What lies idle is bounded.
package final class BufferPool {
    /// 4 KB for heads, 16 KB to 256 KB for bodies, 1 MB as the most that one side may hold back.
    private let capacities = [4_096, 16_384, 65_536, 262_144, 1_048_576]
    private var idle: [[ByteBuffer]]
    /// 1 MB of each size: enough for a burst, and a loop at rest keeps 5 MB at most.
    private let idleByteCountMax = 1_048_576

    package init() {
        idle = capacities.map { _ in [] }
    }

    package var capacityMax: Int { 1_048_576 }

    /// A buffer that takes at least `capacity` bytes; nil beyond `capacityMax`.
    package func lease(capacity: Int) -> ByteBuffer? {
        guard let size = capacities.firstIndex(where: { $0 >= capacity }) else { return nil }
        return idle[size].popLast() ?? ByteBuffer(capacity: capacities[size])
    }

    /// Takes a buffer back. Its bytes are forgotten, and the giver uses it no more.
    package func giveBack(_ buffer: ByteBuffer) {
        guard let size = capacities.firstIndex(of: buffer.capacity),
            idle[size].count < idleByteCountMax / buffer.capacity
        else { return }
        buffer.removeAll()
        idle[size].append(buffer)
    }

    /// The bytes that lie idle here.
    package var idleByteCount: Int {
        zip(capacities, idle).reduce(0) { $0 + $1.0 * $1.1.count }
    }
}

/// A queue of bytes that holds a buffer of the pool only while there are any.
struct ByteQueue {
    private(set) var buffer: ByteBuffer?

    var count: Int { buffer?.count ?? 0 }

    /// False, and nothing is taken, beyond the pool's largest buffer.
    mutating func append(_ bytes: UnsafeRawBufferPointer, from pool: BufferPool) -> Bool {
        // SAFETY: the caller lends `bytes` for the time of this call; the buffer copies them.
        if unsafe bytes.isEmpty { return true }
        guard let buffer = reserve(bytes.count, from: pool) else { return false }
        return unsafe buffer.append(bytes)
    }

    /// The buffer, with room for `byteCount` bytes more; nil beyond the pool's largest.
    mutating func reserve(_ byteCount: Int, from pool: BufferPool) -> ByteBuffer? {
        let (needed, overflow) = count.addingReportingOverflow(byteCount)
        if let buffer, !overflow, needed <= buffer.capacity { return buffer }
        guard !overflow, let larger = pool.lease(capacity: needed) else { return nil }
        if let buffer {
            // SAFETY: the bytes are lent for the length of the closure, to another buffer.
            let copied = unsafe buffer.withUnsafeBytes { unsafe larger.append($0) }
            assert(copied)
            pool.giveBack(buffer)
        }
        buffer = larger
        return larger
    }

    mutating func consume(_ count: Int, to pool: BufferPool) {
        buffer?.consume(count)
        giveBackIfEmpty(to: pool)
    }

    mutating func giveBackIfEmpty(to pool: BufferPool) {
        if buffer?.isEmpty == true { removeAll(to: pool) }
    }

    mutating func removeAll(to pool: BufferPool) {
        if let buffer { pool.giveBack(buffer) }
        buffer = nil
    }
}
