/// Scans that look at sixteen bytes a step.
///
/// Every vector constant is of an explicit type: with an inferred one the compiler silently takes
/// generic overloads that loop over the lanes and cost five times as much.
extension Span where Element == UInt8 {
    private typealias Block = SIMD16<UInt8>

    /// The offset of the first byte at or behind `start` that a field value cannot hold, else
    /// `count` (RFC 9110 §5.5): a control other than HTAB.
    internal func firstControl(from start: Int) -> Int {
        let space = Block(repeating: 0x20)
        let delete = Block(repeating: 0x7F)
        var offset = start
        while offset + 16 <= count {
            let block = self.block(at: offset)
            let low: SIMDMask<SIMD16<Int8>> = block .< space
            let deleted: SIMDMask<SIMD16<Int8>> = block .== delete
            let lane = firstLane(low .| deleted)
            offset += lane
            // HTAB is the one control that may stand in a value. It is rare: step over it.
            if lane < 16 {
                guard self[offset] == ASCII.tab else { return offset }
                offset += 1
            }
        }
        while offset < count, CharacterClass.isFieldValue(self[offset]) { offset += 1 }
        return offset
    }

    /// The offset of the first byte at or behind `start` that is not a `tchar`, else `count`
    /// (RFC 9110 §5.6.2).
    internal func firstNonToken(from start: Int) -> Int {
        let caseBit = Block(repeating: 0x20)
        let a = Block(repeating: 0x61)
        let letterCount = Block(repeating: 26)
        let hyphen = Block(repeating: 0x2D)
        var offset = start
        while offset + 16 <= count {
            let block = self.block(at: offset)
            let distance: Block = (block | caseBit) &- a
            let letters: SIMDMask<SIMD16<Int8>> = distance .< letterCount
            let hyphens: SIMDMask<SIMD16<Int8>> = block .== hyphen
            let lane = firstLane(.!(letters .| hyphens))
            offset += lane
            // Letters and hyphens make nearly all names; any other `tchar` is stepped over.
            if lane < 16 {
                guard CharacterClass.isToken(self[offset]) else { return offset }
                offset += 1
            }
        }
        while offset < count, CharacterClass.isToken(self[offset]) { offset += 1 }
        return offset
    }

    /// The offset of the first byte at or behind `start` that ends a part of a request target:
    /// `?`, `#` or anything but a visible ASCII character; else `count`.
    internal func firstTargetDelimiter(from start: Int) -> Int {
        let space = SIMD16<Int8>(repeating: 0x20)
        let delete = SIMD16<Int8>(repeating: 0x7F)
        let hash = SIMD16<Int8>(repeating: 0x23)
        let question = SIMD16<Int8>(repeating: 0x3F)
        var offset = start
        while offset + 16 <= count {
            // Signed, so that bytes from 0x80 on are below the space with the controls.
            let block = SIMD16<Int8>(truncatingIfNeeded: self.block(at: offset))
            let low: SIMDMask<SIMD16<Int8>> = block .<= space
            let deleted: SIMDMask<SIMD16<Int8>> = block .== delete
            let hashes: SIMDMask<SIMD16<Int8>> = block .== hash
            let questions: SIMDMask<SIMD16<Int8>> = block .== question
            let lane = firstLane((low .| deleted) .| (hashes .| questions))
            if lane < 16 { return offset + lane }
            offset += 16
        }
        while offset < count, isTargetPart(self[offset]) { offset += 1 }
        return offset
    }

    /// Whether a line feed is at or behind `start`.
    internal func containsLineFeed(from start: Int) -> Bool {
        let lineFeed = Block(repeating: ASCII.lineFeed)
        var offset = start
        while offset + 16 <= count {
            let found: SIMDMask<SIMD16<Int8>> = block(at: offset) .== lineFeed
            if firstLane(found) < 16 { return true }
            offset += 16
        }
        while offset < count {
            if self[offset] == ASCII.lineFeed { return true }
            offset += 1
        }
        return false
    }

    @inline(__always)
    private func block(at offset: Int) -> Block {
        // SAFETY: the load is bounds-checked, and any sixteen bytes make a valid vector.
        unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Block.self)
    }
}

/// The position of the first lane that is set, or 16.
@inline(__always)
private func firstLane(_ mask: SIMDMask<SIMD16<Int8>>) -> Int {
    // SAFETY: both are sixteen bytes without padding; a lane of a mask is all ones or all zeros.
    let halves = unsafe unsafeBitCast(mask, to: SIMD2<UInt64>.self)
    let low = UInt64(littleEndian: halves[0])
    if low != 0 { return low.trailingZeroBitCount &>> 3 }
    return 8 &+ UInt64(littleEndian: halves[1]).trailingZeroBitCount &>> 3
}

@inline(__always)
private func isTargetPart(_ byte: UInt8) -> Bool {
    byte > 0x20 && byte < 0x7F && byte != ASCII.hash && byte != ASCII.question
}
