import Glibc

/// Memory whose last byte lies flush against a page that cannot be read: a parser that looks one
/// byte too far crashes the test instead of passing it.
@safe
struct GuardedMemory: ~Copyable {
    private let start: UnsafeMutableRawPointer
    private let capacity: Int
    private static let pageSize = 4096

    init(capacity wanted: Int) {
        let pageSize = GuardedMemory.pageSize
        let capacity = (wanted + pageSize - 1) / pageSize * pageSize
        // SAFETY: a new private mapping; failure ends the test run.
        let mapping = unsafe mmap(
            nil, capacity + pageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
            fatalError("no memory could be mapped")
        }
        // SAFETY: the last page of the mapping made above.
        precondition(unsafe mprotect(mapping + capacity, pageSize, PROT_NONE) == 0)
        unsafe start = mapping
        self.capacity = capacity
    }

    deinit {
        // SAFETY: the mapping made in `init`, which nothing else unmaps.
        unsafe munmap(start, capacity + GuardedMemory.pageSize)
    }

    /// Shows a copy of `bytes` that ends where the mapping ends.
    func withBytes<Result>(_ bytes: ArraySlice<UInt8>, _ body: (Span<UInt8>) -> Result) -> Result {
        precondition(bytes.count <= capacity)
        // SAFETY: `bytes.count` bytes at the end of the mapping, which outlives `body`.
        let target = unsafe UnsafeMutableRawBufferPointer(
            start: start + capacity - bytes.count, count: bytes.count)
        unsafe target.copyBytes(from: bytes)
        return body(unsafe target.bindMemory(to: UInt8.self).span)
    }
}
