/// Comparing bytes on the wire with words of the protocol, a machine word at a time.
///
/// With a literal at the call these fold into one or two compares of constants, which is why they
/// are always inlined.
extension Span where Element == UInt8 {
    /// Whether these bytes are `text`, a byte for a byte.
    @inlinable @inline(__always)
    public func equals(_ text: StaticString) -> Bool {
        matches(text, ignoringCase: false)
    }

    /// Whether these bytes are `lowercase` when ASCII letters are compared without case.
    ///
    /// `lowercase` must be ASCII and hold no upper-case letter.
    @inlinable @inline(__always)
    public func equalsIgnoringCase(_ lowercase: StaticString) -> Bool {
        matches(lowercase, ignoringCase: true)
    }

    /// Whether these bytes and `other` are the same when ASCII letters are compared without case.
    @inlinable
    public func equalsIgnoringCase(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count
        where self[index] != other[index] && lowercased(self[index]) != lowercased(other[index]) {
            return false
        }
        return true
    }

    /// Whether these bytes and `other` are the same.
    @inlinable
    public func equals(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        var offset = 0
        while count &- offset >= 8 {
            // SAFETY: any bits make a UInt64, and the loads check their bounds themselves.
            let mine = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let others = unsafe other.bytes.unsafeLoadUnaligned(
                fromByteOffset: offset, as: UInt64.self)
            guard mine == others else { return false }
            offset &+= 8
        }
        while offset < count {
            guard self[offset] == other[offset] else { return false }
            offset &+= 1
        }
        return true
    }

    @inlinable @inline(__always)
    internal func matches(_ text: StaticString, ignoringCase: Bool) -> Bool {
        let length = text.utf8CodeUnitCount
        guard count == length else { return false }
        if length >= 8 {
            return matches(text, by: UInt64.self, ignoringCase: ignoringCase)
        }
        if length >= 4 {
            return matches(text, by: UInt32.self, ignoringCase: ignoringCase)
        }
        if length >= 2 {
            return matches(text, by: UInt16.self, ignoringCase: ignoringCase)
        }
        return length == 0 || matches(text, by: UInt8.self, ignoringCase: ignoringCase)
    }

    /// Compares in steps of `Word`; the last word overlaps the one before it, so that no byte
    /// behind the text is read. The caller has tested that both are of one length, and not shorter
    /// than a word.
    @inlinable @inline(__always)
    internal func matches<Word: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ text: StaticString, by _: Word.Type, ignoringCase: Bool
    ) -> Bool {
        let last = text.utf8CodeUnitCount - MemoryLayout<Word>.size
        var offset = 0
        while true {
            // SAFETY: `offset` is at most `last`, so the word lies within the literal, which lives
            // for ever; the load from the span is bounds-checked; any bits make a valid integer.
            let expected = unsafe UnsafeRawPointer(text.utf8Start)
                .loadUnaligned(fromByteOffset: offset, as: Word.self)
            let found = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Word.self)
            let folded = ignoringCase ? found | caseBits(of: expected) : found
            guard folded == expected else { return false }
            if offset == last { return true }
            offset = Swift.min(offset + MemoryLayout<Word>.size, last)
        }
    }
}

/// 0x20 in each byte of `word` that is a lower-case letter, 0 in every other byte: only letters
/// have a case. Folding `-` as well would let a CR pass for it.
@inlinable @inline(__always)
internal func caseBits<Word: FixedWidthInteger & UnsignedInteger>(of word: Word) -> Word {
    let ones = Word.max / 0xFF
    // For ASCII neither sum carries into the next byte.
    let fromA = word &+ ones &* (0x80 - 0x61)
    let behindZ = word &+ ones &* (0x80 - 0x7B)
    return (fromA & ~behindZ & (ones &* 0x80)) >> 2
}

@inlinable @inline(__always)
internal func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
}
