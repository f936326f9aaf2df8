import HTTPParser
import Synchronization

/// Whole lines on their way from one thread to one other, without a lock and in bounded memory.
///
/// Each line lies there behind its length. What does not fit is not taken: whoever writes lines
/// never waits for whoever reads them.
@safe
final class LineRing: Sendable {
    /// 1 MiB: more than 2,000 lines of the usual length, which is 40 ms of all that a worker can
    /// serve. The memory is touched, and so costs something, only when lines are written.
    static let byteCount = 1 << 20
    private static let prefixByteCount = 4

    // SAFETY: owned by this object and freed with it. The writing thread touches only the bytes
    // from `written` on that `taken` has passed, the reading thread only those between the two.
    nonisolated(unsafe) private let storage: UnsafeMutableRawBufferPointer
    /// Bytes ever put in: the reader may see what lies before it.
    private let written = Atomic<Int>(0)
    /// Bytes ever taken out: the writer may use their room again.
    private let taken = Atomic<Int>(0)

    init() {
        unsafe storage = .allocate(byteCount: LineRing.byteCount, alignment: 64)
    }

    deinit {
        unsafe storage.deallocate()
    }

    var isEmpty: Bool {
        written.load(ordering: .acquiring) == taken.load(ordering: .acquiring)
    }

    /// From the writing thread.
    ///
    /// - Returns: false, and nothing is taken, when there is no room.
    func put(_ line: Span<UInt8>) -> Bool {
        let end = written.load(ordering: .relaxed)
        let free = LineRing.byteCount - (end - taken.load(ordering: .acquiring))
        guard line.count <= free - LineRing.prefixByteCount else { return false }
        var prefix = UInt32(truncatingIfNeeded: line.count)
        unsafe withUnsafeBytes(of: &prefix) { unsafe copy($0, to: end) }
        unsafe line.withUnsafeBytes { unsafe copy($0, to: end + LineRing.prefixByteCount) }
        written.store(end + LineRing.prefixByteCount + line.count, ordering: .releasing)
        return true
    }

    private func copy(_ bytes: UnsafeRawBufferPointer, to offset: Int) {
        let start = offset & (LineRing.byteCount - 1)
        let first = min(bytes.count, LineRing.byteCount - start)
        // SAFETY: `put` has tested that the bytes fit in what is free, which wraps around at the
        // end of the storage; both parts are sliced with their bounds checked.
        unsafe UnsafeMutableRawBufferPointer(rebasing: storage[start..<start + first])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<first]))
        unsafe UnsafeMutableRawBufferPointer(rebasing: storage[..<(bytes.count - first)])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[first...]))
    }

    /// From the reading thread: moves whole lines to `batch` as long as there are any, and room.
    func take(into batch: inout ByteWriter) {
        var start = taken.load(ordering: .relaxed)
        let end = written.load(ordering: .acquiring)
        while start < end {
            let count = lineByteCount(at: start)
            guard count <= batch.freeCapacity else { break }
            append(from: start + LineRing.prefixByteCount, count: count, to: &batch)
            start += LineRing.prefixByteCount + count
        }
        taken.store(start, ordering: .releasing)
    }

    private func lineByteCount(at offset: Int) -> Int {
        var count = 0
        for index in 0..<LineRing.prefixByteCount {
            let byte = unsafe storage[(offset + index) & (LineRing.byteCount - 1)]
            count |= Int(byte) << (8 * index)
        }
        return count
    }

    private func append(from offset: Int, count: Int, to batch: inout ByteWriter) {
        let start = offset & (LineRing.byteCount - 1)
        let first = min(count, LineRing.byteCount - start)
        for range in [start..<start + first, 0..<(count - first)] {
            // SAFETY: the writing thread does not touch these bytes before `taken` has passed them.
            let part = unsafe UnsafeRawBufferPointer(rebasing: storage[range])
            batch.append(unsafe part.bindMemory(to: UInt8.self).span)
        }
    }
}
