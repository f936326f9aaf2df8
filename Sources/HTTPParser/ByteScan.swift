/// Scans that look at sixteen bytes a step.
///
/// Every vector constant is of an explicit type: with an inferred one the compiler silently takes
/// generic overloads that loop over the lanes and cost five times as much.
///
/// Each scan begins at or behind offset 0 and within `count`, and answers `count` when it finds
/// nothing.
extension Span where Element == UInt8 {
    private typealias Block = SIMD16<UInt8>
    private typealias Mask = SIMDMask<SIMD16<Int8>>

    /// The first byte at or behind `start` that a field value cannot hold (RFC 9110 §5.5): a
    /// control other than HTAB.
    @inline(__always)
    internal func firstControl(from start: Int) -> Int {
        let space = Block(repeating: 0x20)
        let delete = Block(repeating: 0x7F)
        var offset = start
        while hasBlock(at: offset) {
            let block = self.block(at: offset)
            let low: Mask = block .< space
            let deleted: Mask = block .== delete
            guard let lane = firstLane(low .| deleted) else {
                offset &+= 16
                continue
            }
            offset &+= lane
            guard self[offset] == ASCII.tab else { return offset }
            // HTAB is the one control that may stand in a value. It is rare: step over it.
            offset &+= 1
        }
        while offset < count, CharacterClass.isFieldValue(self[offset]) { offset &+= 1 }
        return offset
    }

    /// The first byte at or behind `start` that is not a `tchar` (RFC 9110 §5.6.2).
    @inline(__always)
    internal func firstNonToken(from start: Int) -> Int {
        let caseBit = Block(repeating: 0x20)
        let a = Block(repeating: 0x61)
        let letterCount = Block(repeating: 26)
        let hyphen = Block(repeating: 0x2D)
        var offset = start
        while hasBlock(at: offset) {
            let block = self.block(at: offset)
            let distance: Block = (block | caseBit) &- a
            let letters: Mask = distance .< letterCount
            let hyphens: Mask = block .== hyphen
            guard let lane = firstLane(.!(letters .| hyphens)) else {
                offset &+= 16
                continue
            }
            offset &+= lane
            guard CharacterClass.isToken(self[offset]) else { return offset }
            // Letters and hyphens make nearly all names; any other `tchar` is stepped over.
            offset &+= 1
        }
        while offset < count, CharacterClass.isToken(self[offset]) { offset &+= 1 }
        return offset
    }

    /// The first byte at or behind `start` that is no letter, digit, `-` or `.`: what a host name
    /// is made of but for exceptions.
    internal func firstUncommonInHost(from start: Int) -> Int {
        let caseBit = Block(repeating: 0x20)
        let a = Block(repeating: 0x61)
        let letterCount = Block(repeating: 26)
        // `-`, `.`, `/` and the digits lie side by side.
        let hyphen = Block(repeating: 0x2D)
        let hyphenToNine = Block(repeating: 13)
        let slash = Block(repeating: 0x2F)
        var offset = start
        while hasBlock(at: offset) {
            let block = self.block(at: offset)
            let fromA: Block = (block | caseBit) &- a
            let fromHyphen: Block = block &- hyphen
            let letters: Mask = fromA .< letterCount
            let others: Mask = fromHyphen .< hyphenToNine
            let slashes: Mask = block .== slash
            if let lane = firstLane(.!(letters .| others) .| slashes) { return offset &+ lane }
            offset &+= 16
        }
        while offset < count, CharacterClass.isCommonInHost(self[offset]) { offset &+= 1 }
        return offset
    }

    /// The first byte at or behind `start` that ends a part of a request target: `?`, `#` or
    /// anything but a visible ASCII character.
    @inline(__always)
    internal func firstTargetDelimiter(from start: Int) -> Int {
        let space = SIMD16<Int8>(repeating: 0x20)
        let delete = SIMD16<Int8>(repeating: 0x7F)
        let hash = SIMD16<Int8>(repeating: 0x23)
        let question = SIMD16<Int8>(repeating: 0x3F)
        var offset = start
        while hasBlock(at: offset) {
            // Signed, so that bytes from 0x80 on are below the space with the controls.
            let block = SIMD16<Int8>(truncatingIfNeeded: self.block(at: offset))
            let low: Mask = block .<= space
            let deleted: Mask = block .== delete
            let hashes: Mask = block .== hash
            let questions: Mask = block .== question
            if let lane = firstLane((low .| deleted) .| (hashes .| questions)) {
                return offset &+ lane
            }
            offset &+= 16
        }
        while offset < count, CharacterClass.isTargetPart(self[offset]) { offset &+= 1 }
        return offset
    }

    /// The first byte at or behind `start` that is not printable ASCII, or a quote or a backslash:
    /// what does not stand for itself between two quotes in a log.
    public func firstUnquotable(from start: Int) -> Int {
        guard count &- start >= 16 else { return firstUnquotableOfFew(from: start) }
        // The last step overlaps the one before it.
        let last = count &- 16
        var offset = start
        while true {
            if let lane = firstUnquotable(inBlockAt: offset) { return offset &+ lane }
            if offset == last { return count }
            offset = Swift.min(offset &+ 16, last)
        }
    }

    @inline(__always)
    private func firstUnquotable(inBlockAt offset: Int) -> Int? {
        let space = SIMD16<Int8>(repeating: 0x20)
        let delete = SIMD16<Int8>(repeating: 0x7F)
        let quote = SIMD16<Int8>(repeating: 0x22)
        let backslash = SIMD16<Int8>(repeating: 0x5C)
        // Signed, so that bytes from 0x80 on are below the space with the controls.
        let block = SIMD16<Int8>(truncatingIfNeeded: self.block(at: offset))
        let low: Mask = block .< space
        let deleted: Mask = block .== delete
        let quotes: Mask = block .== quote
        let backslashes: Mask = block .== backslash
        return firstLane((low .| deleted) .| (quotes .| backslashes))
    }

    private func firstUnquotableOfFew(from start: Int) -> Int {
        var offset = start
        while offset < count, CharacterClass.isQuotable(self[offset]) { offset &+= 1 }
        return offset
    }

    /// Whether no reader of this path has anything to decode or to resolve in it: it has no `%` and
    /// no backslash, and behind a slash neither a slash nor a dot.
    public var isPlainPath: Bool {
        guard count > 16 else { return isPlainShortPath }
        // Each step needs one byte behind its block. The last one overlaps the one before it.
        let last = count &- 17
        var offset = 0
        while true {
            guard isPlain(at: offset) else { return false }
            if offset == last { break }
            offset = Swift.min(offset &+ 16, last)
        }
        let end = self[count &- 1]
        return end != ASCII.percent && end != ASCII.backslash
    }

    /// Whether sixteen bytes of a path are plain, in view of the one behind each.
    @inline(__always)
    private func isPlain(at offset: Int) -> Bool {
        let percent = Block(repeating: 0x25)
        let backslash = Block(repeating: 0x5C)
        let slash = Block(repeating: 0x2F)
        let dot = Block(repeating: 0x2E)
        let block = self.block(at: offset)
        let next = self.block(at: offset &+ 1)
        let encoded: Mask = block .== percent
        let backward: Mask = block .== backslash
        let slashes: Mask = block .== slash
        let empty: Mask = next .== slash
        let dotted: Mask = next .== dot
        return firstLane((encoded .| backward) .| (slashes .& (empty .| dotted))) == nil
    }

    private var isPlainShortPath: Bool {
        var isBehindSlash = false
        var offset = 0
        while offset < count {
            let byte = self[offset]
            if byte == ASCII.percent || byte == ASCII.backslash { return false }
            let isSlash = byte == ASCII.slash
            if isBehindSlash && (isSlash || byte == ASCII.dot) { return false }
            isBehindSlash = isSlash
            offset &+= 1
        }
        return true
    }

    /// The first semicolon within `range`, or the end of it: where a pair of a cookie ends.
    public func firstSemicolon(in range: Range<Int>) -> Int {
        let semicolon = Block(repeating: ASCII.semicolon)
        let end = range.upperBound
        var offset = range.lowerBound
        precondition(end <= count)
        while end &- offset >= 16 {
            let found: Mask = block(at: offset) .== semicolon
            if let lane = firstLane(found) { return offset &+ lane }
            offset &+= 16
        }
        while offset < end, self[offset] != ASCII.semicolon { offset &+= 1 }
        return offset
    }

    /// Whether a line feed is at or behind `start`.
    internal func containsLineFeed(from start: Int) -> Bool {
        let lineFeed = Block(repeating: ASCII.lineFeed)
        var offset = start
        while hasBlock(at: offset) {
            let found: Mask = block(at: offset) .== lineFeed
            if firstLane(found) != nil { return true }
            offset &+= 16
        }
        while offset < count {
            if self[offset] == ASCII.lineFeed { return true }
            offset &+= 1
        }
        return false
    }

    /// Offsets stay within `0...count`, so that no sum of theirs overflows.
    @inline(__always)
    private func hasBlock(at offset: Int) -> Bool {
        count &- offset >= 16
    }

    @inline(__always)
    private func block(at offset: Int) -> Block {
        // SAFETY: the load is bounds-checked, and any sixteen bytes make a valid vector.
        unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Block.self)
    }
}

/// The position of the first lane that is set, or nil.
@inline(__always)
private func firstLane(_ mask: SIMDMask<SIMD16<Int8>>) -> Int? {
    // SAFETY: both are sixteen bytes without padding; a lane of a mask is all ones or all zeros.
    let halves = unsafe unsafeBitCast(mask, to: SIMD2<UInt64>.self)
    let low = UInt64(littleEndian: halves[0])
    if low != 0 { return low.trailingZeroBitCount &>> 3 }
    let high = UInt64(littleEndian: halves[1])
    return high != 0 ? 8 &+ high.trailingZeroBitCount &>> 3 : nil
}
