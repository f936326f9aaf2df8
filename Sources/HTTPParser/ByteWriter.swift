/// A bounded buffer that heads are written into: one per event loop, emptied for every message.
///
/// Nothing here traps on a full buffer. What does not fit is dropped, and all that follows it, so
/// that nothing is missing in the middle; `hasOverflowed` says so, and the caller looks once, at
/// the end.
///
/// The short writes are for inlining: a literal then costs a few moves of constants.
@safe
@frozen
public struct ByteWriter: ~Copyable {
    @usableFromInline
    internal let storage: UnsafeMutableRawPointer
    public let capacity: Int
    @usableFromInline
    internal var length = 0
    /// `capacity`, and after an overflow no more than is there: nothing may follow.
    @usableFromInline
    internal var limit: Int
    public private(set) var hasOverflowed = false

    public init(capacity: Int) {
        // SAFETY: owned by this writer, which cannot be copied; `deinit` gives it back.
        unsafe storage = .allocate(byteCount: capacity, alignment: 16)
        self.capacity = capacity
        limit = capacity
    }

    deinit {
        // SAFETY: allocated in `init` and shown to nobody beyond a call.
        unsafe storage.deallocate()
    }

    /// Bytes that were written.
    @inlinable public var count: Int { length }
    public var freeCapacity: Int { capacity - count }

    /// Empties the buffer and forgets an overflow.
    public mutating func removeAll() {
        length = 0
        limit = capacity
        hasOverflowed = false
    }

    /// Takes back what was written behind `count`, as when a later part turned out to be unwanted.
    public mutating func truncate(to count: Int) {
        precondition(count <= self.count)
        length = count
        if hasOverflowed { limit = count }
    }

    @inlinable
    public mutating func append(_ byte: UInt8) {
        guard reserve(1) else { return }
        // SAFETY: `reserve` tested that `count` is within the storage.
        unsafe storage.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        length &+= 1
    }

    /// Appends four bytes, the lowest first.
    @inlinable
    public mutating func append(fourBytes word: UInt32) {
        guard reserve(4) else { return }
        // SAFETY: `reserve` tested the room for four bytes; unaligned stores are allowed.
        unsafe storage.storeBytes(of: word.littleEndian, toByteOffset: count, as: UInt32.self)
        length &+= 4
    }

    @inlinable
    public mutating func append(_ bytes: Span<UInt8>) {
        guard reserve(bytes.count), !bytes.isEmpty else { return }
        unsafe bytes.withUnsafeBytes { source in
            // SAFETY: `reserve` tested that `count + source.count` is within the storage, which
            // overlaps no span: it is private to this writer and handed out only for reading.
            unsafe (storage + count).copyMemory(
                from: source.baseAddress.unsafelyUnwrapped, byteCount: source.count)
        }
        length &+= bytes.count
    }

    /// Appends the part of `bytes` that `range` names.
    public mutating func append(_ bytes: Span<UInt8>, _ range: ByteRange) {
        append(bytes.extracting(range.offsets))
    }

    /// Appends what was written before at `range`, as far as it was.
    public mutating func appendAgain(_ range: ByteRange) {
        guard range.start <= range.end, Int(range.end) <= count, reserve(range.count) else {
            return
        }
        // SAFETY: the part was written, `reserve` tested the room behind it, and the two do not
        // overlap: `range` ends where the room begins, or before.
        unsafe (storage + count).copyMemory(
            from: storage + Int(range.start), byteCount: range.count)
        length += range.count
    }

    @inlinable @inline(__always)
    public mutating func append(_ text: StaticString) {
        let byteCount = text.utf8CodeUnitCount
        guard reserve(byteCount) else { return }
        // SAFETY: `reserve` tested the room; a literal lives for ever and has so many bytes.
        unsafe (storage + count).copyMemory(from: text.utf8Start, byteCount: byteCount)
        length &+= byteCount
    }

    public mutating func append(_ bytes: [UInt8]) {
        append(bytes.span)
    }

    /// Appends a number in base 10 without sign or leading zeros.
    public mutating func append(decimal number: UInt64) {
        if number < 1_000 { return append(upToThreeDigits: UInt32(number)) }
        var digitCount = 4
        var bound: UInt64 = 10_000
        // 20 digits hold every 64-bit number; the bound for the last would not fit.
        while digitCount < 20, number >= bound {
            digitCount += 1
            bound = bound &* 10
        }
        guard reserve(digitCount) else { return }
        var rest = number
        for position in stride(from: count + digitCount - 1, through: count, by: -1) {
            // SAFETY: `reserve` tested the room for all digits.
            unsafe storage.storeBytes(
                of: 0x30 + UInt8(truncatingIfNeeded: rest % 10), toByteOffset: position,
                as: UInt8.self)
            rest /= 10
        }
        length += digitCount
    }

    /// Statuses, and the parts of IPv4 addresses: most of the numbers in a head.
    private mutating func append(upToThreeDigits number: UInt32) {
        let digitCount = number < 10 ? 1 : number < 100 ? 2 : 3
        let hundreds = number / 100
        let tens = number / 10 % 10
        let ones = number % 10
        let padded = 0x30_3030 | hundreds | (tens << 8) | (ones << 16)
        // In the order in which they lie in memory, the first one lowest.
        let digits = padded >> UInt32(8 * (3 - digitCount))
        guard limit &- count >= 4 else { return append(digits, digitCount) }
        // SAFETY: there is room for a whole word; what follows overwrites the end of it.
        unsafe storage.storeBytes(of: digits.littleEndian, toByteOffset: count, as: UInt32.self)
        length &+= digitCount
    }

    /// The same where there is little room.
    private mutating func append(_ digits: UInt32, _ digitCount: Int) {
        guard reserve(digitCount) else { return }
        for index in 0..<digitCount {
            append(UInt8(truncatingIfNeeded: digits >> UInt32(8 * index)))
        }
    }

    /// Appends a number in lower-case base 16 without leading zeros, as chunk sizes are written.
    public mutating func append(hexadecimal number: UInt64) {
        let bitCount = max(1, UInt64.bitWidth - number.leadingZeroBitCount)
        appendHexadecimal(number, digitCount: (bitCount + 3) / 4)
    }

    /// Appends a number as exactly 16 lower-case hexadecimal digits.
    public mutating func append(fixedHexadecimal number: UInt64) {
        guard reserve(16) else { return }
        let high = ByteWriter.hexadecimalDigits(of: UInt32(truncatingIfNeeded: number >> 32))
        let low = ByteWriter.hexadecimalDigits(of: UInt32(truncatingIfNeeded: number))
        // SAFETY: `reserve` tested the room for 16 bytes; unaligned stores are allowed.
        unsafe storage.storeBytes(of: high, toByteOffset: count, as: UInt64.self)
        unsafe storage.storeBytes(of: low, toByteOffset: count + 8, as: UInt64.self)
        length += 16
    }

    /// The eight digits of a number, all at once, in the order in which they lie in memory.
    private static func hexadecimalDigits(of number: UInt32) -> UInt64 {
        var nibbles = UInt64(number)
        nibbles = (nibbles | nibbles << 16) & 0x0000_FFFF_0000_FFFF
        nibbles = (nibbles | nibbles << 8) & 0x00FF_00FF_00FF_00FF
        nibbles = (nibbles | nibbles << 4) & 0x0F0F_0F0F_0F0F_0F0F
        // 1 in each byte that holds ten or more: those become letters.
        let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        let digits = nibbles &+ 0x3030_3030_3030_3030 &+ letters &* (0x61 - 0x30 - 10)
        return digits.bigEndian
    }

    private mutating func appendHexadecimal(_ number: UInt64, digitCount: Int) {
        guard reserve(digitCount) else { return }
        var rest = number
        for position in stride(from: count + digitCount - 1, through: count, by: -1) {
            let digit = UInt8(truncatingIfNeeded: rest) & 0xF
            // SAFETY: `reserve` tested the room for all digits.
            unsafe storage.storeBytes(
                of: digit < 10 ? 0x30 + digit : 0x61 + digit - 10, toByteOffset: position,
                as: UInt8.self)
            rest >>= 4
        }
        length += digitCount
    }

    @inlinable @inline(__always)
    internal mutating func reserve(_ byteCount: Int) -> Bool {
        if byteCount <= limit &- count { return true }
        noteOverflow()
        return false
    }

    @usableFromInline
    internal mutating func noteOverflow() {
        limit = count
        hasOverflowed = true
    }

    /// Shows what was written. The span is valid inside `body` only.
    public func withBytes<Result, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // SAFETY: the first `count` bytes are initialised, and `self` outlives `body`.
        let written = unsafe UnsafeRawBufferPointer(start: storage, count: count)
        return try body(unsafe written.bindMemory(to: UInt8.self).span)
    }

    /// What was written, as a copy: for tests and for cold paths.
    public func copyBytes() -> [UInt8] {
        // SAFETY: the first `count` bytes are initialised, and the array copies them.
        unsafe Array(UnsafeRawBufferPointer(start: storage, count: count))
    }
}
