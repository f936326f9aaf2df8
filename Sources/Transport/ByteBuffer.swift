/// A bounded, contiguous stretch of memory: bytes go in at the end and out at the front.
///
/// It comes from a `BufferPool` and is given back there; one that is lost is simply freed.
@safe
package final class ByteBuffer {
    private let storage: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0

    package init(capacity: Int) {
        unsafe storage = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        unsafe storage.deallocate()
    }

    package var capacity: Int { unsafe storage.count }
    package var count: Int { end - start }
    package var isEmpty: Bool { start == end }
    package var freeCapacity: Int { capacity - count }

    package func removeAll() {
        start = 0
        end = 0
    }

    /// Drops `count` bytes from the front.
    package func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count)
        start += count
        if start == end { removeAll() }
    }

    /// False, and nothing is taken, when there is no room for all of it.
    package func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= freeCapacity else { return false }
        guard let source = bytes.baseAddress, bytes.count > 0 else { return true }
        unsafe withFreeSpace { space in
            // SAFETY: the free space is `freeCapacity` bytes; the caller lends bytes that are not
            // of this buffer.
            unsafe space.baseAddress.unsafelyUnwrapped
                .copyMemory(from: source, byteCount: bytes.count)
        }
        end += bytes.count
        return true
    }

    /// Lends the free space, all of it, to be written to; `commit` then says how much was.
    package func withFreeSpace<Result>(
        _ body: (UnsafeMutableRawBufferPointer) -> Result
    ) -> Result {
        if start > 0 { compact() }
        return unsafe body(UnsafeMutableRawBufferPointer(rebasing: storage[end...]))
    }

    /// Takes in `count` bytes that were written to the start of the free space.
    package func commit(_ count: Int) {
        precondition(count >= 0 && count <= capacity - end)
        end += count
    }

    /// Lends the bytes. The pointer is valid inside `body` only.
    package func withUnsafeBytes<Result>(
        _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        unsafe body(UnsafeRawBufferPointer(rebasing: storage[start..<end]))
    }

    /// Shows the bytes. The span is valid inside `body` only, which must not change the buffer.
    package func withBytes<Result, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // SAFETY: the bytes from `start` to `end` were written, and `self` outlives `body`.
        let held = unsafe UnsafeRawBufferPointer(rebasing: storage[start..<end])
        return try body(unsafe held.bindMemory(to: UInt8.self).span)
    }

    private func compact() {
        let count = self.count
        // SAFETY: both stretches are within the storage; memmove takes overlapping ones.
        let base = unsafe storage.baseAddress.unsafelyUnwrapped
        unsafe base.copyMemory(from: base + start, byteCount: count)
        start = 0
        end = count
    }
}
