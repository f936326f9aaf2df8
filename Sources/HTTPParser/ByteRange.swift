/// A half-open range of offsets into a buffer that the caller owns: how a head says where its
/// parts are without copying them.
///
/// 32 bits: a head is bounded far below 4 GiB by `ParserLimits`.
@frozen
public struct ByteRange: Equatable, Hashable, Sendable {
    public var start: UInt32
    public var end: UInt32

    @inlinable
    public init(_ start: Int, _ end: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.end = UInt32(truncatingIfNeeded: end)
    }

    /// The range of nothing; also what an absent part reads as.
    @inlinable
    public static var empty: ByteRange { ByteRange(0, 0) }

    @inlinable
    public var count: Int { Int(end) - Int(start) }

    @inlinable
    public var isEmpty: Bool { start == end }

    /// The same range as offsets of the standard library.
    @inlinable
    public var offsets: Range<Int> { Int(start)..<Int(end) }
}
