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

extension Span where Element == UInt8 {
    /// Whether these bytes are `text`, a byte for a byte.
    @inlinable
    public func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in 0..<count {
            // SAFETY: `index` is below the literal's length, tested above; literals live for ever.
            guard unsafe text.utf8Start[index] == self[index] else { return false }
        }
        return true
    }

    /// Whether these bytes are `lowercase` when ASCII letters are compared without case.
    ///
    /// `lowercase` must hold no upper-case letter.
    @inlinable
    public func equalsIgnoringCase(_ lowercase: StaticString) -> Bool {
        guard count == lowercase.utf8CodeUnitCount else { return false }
        for index in 0..<count {
            let byte = self[index]
            let folded = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            // SAFETY: `index` is below the literal's length, tested above; literals live for ever.
            guard unsafe lowercase.utf8Start[index] == folded else { return false }
        }
        return true
    }
}
