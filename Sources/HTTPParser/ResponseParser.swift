/// Reads a status line and its fields from the bytes that have arrived (RFC 9112 §4 and §5).
///
/// As strict with a backend as `RequestParser` is with a client, with one leniency: the reason
/// phrase, and the space before it, may be missing.
public struct ResponseParser: Sendable {
    public let limits: ParserLimits

    public init(limits: ParserLimits) {
        self.limits = limits.clamped
    }

    /// Reads the head at the start of `bytes`. `head` is of use exactly when the answer is
    /// `.complete`; its ranges are offsets into these `bytes`.
    ///
    /// - Parameter scannedCount: how much of these bytes an earlier call has seen. 0 for each new
    ///   head; this call moves it, and sets it back to 0 when the head is complete.
    /// - Throws: the first rule that the bytes break, the same however they were cut into pieces.
    public func parse(
        _ bytes: Span<UInt8>, scannedCount: inout Int, into head: inout ResponseHead
    ) throws(ParseError) -> HeadProgress {
        guard
            HeadReread.isDue(
                bytes, scannedCount: scannedCount, startLineMax: limits.headBytesMax,
                headBytesMax: limits.headBytesMax)
        else {
            scannedCount = bytes.count
            return .needMore
        }
        let window = bytes.extracting(first: limits.headBytesMax)
        if let byteCount = try parseHead(window, into: &head) {
            scannedCount = 0
            return .complete(byteCount: byteCount)
        }
        guard bytes.count < limits.headBytesMax else { throw .headTooLarge }
        scannedCount = bytes.count
        return .needMore
    }

    private func parseHead(
        _ bytes: Span<UInt8>, into head: inout ResponseHead
    ) throws(ParseError) -> Int? {
        var offset = 0
        guard try parseVersion(bytes, &offset, into: &head),
            try parseStatus(bytes, &offset, into: &head),
            try parseReason(bytes, &offset, into: &head)
        else { return nil }
        head.fields.removeAll()
        guard
            try FieldParser.parse(
                bytes, from: &offset, countMax: limits.fieldCountMax, into: &head.fields)
        else { return nil }
        return offset
    }

    /// The version and the one space behind it.
    @inline(__always)
    private func parseVersion(
        _ bytes: Span<UInt8>, _ offset: inout Int, into head: inout ResponseHead
    ) throws(ParseError) -> Bool {
        guard
            let version = try HTTPVersionParser.parse(
                bytes, at: offset, malformed: .invalidStatusLine)
        else { return false }
        head.version = version
        offset += HTTPVersionParser.byteCount
        guard offset < bytes.count else { return false }
        guard bytes[offset] == ASCII.space else { throw .invalidStatusLine }
        offset += 1
        return true
    }

    /// Three digits, 100...599 (RFC 9110 §15: a client treats what is beyond as an error).
    @inline(__always)
    private func parseStatus(
        _ bytes: Span<UInt8>, _ offset: inout Int, into head: inout ResponseHead
    ) throws(ParseError) -> Bool {
        var status: UInt16 = 0
        let end = offset + 3
        while offset < end {
            guard offset < bytes.count else { return false }
            guard CharacterClass.isDigit(bytes[offset]) else { throw .invalidStatusLine }
            status = status * 10 + UInt16(bytes[offset] - 0x30)
            offset += 1
        }
        guard (100...599).contains(status) else { throw .invalidStatusLine }
        head.status = status
        return true
    }

    @inline(__always)
    private func parseReason(
        _ bytes: Span<UInt8>, _ offset: inout Int, into head: inout ResponseHead
    ) throws(ParseError) -> Bool {
        guard offset < bytes.count else { return false }
        var reasonEnd = offset
        if bytes[offset] == ASCII.space {
            offset += 1
            reasonEnd = bytes.firstControl(from: offset)
        }
        guard reasonEnd < bytes.count else { return false }
        guard bytes[reasonEnd] == ASCII.carriageReturn || bytes[reasonEnd] == ASCII.lineFeed
        else { throw .invalidStatusLine }
        guard let end = try FieldParser.lineEnd(bytes, at: reasonEnd) else { return false }
        head.reason = ByteRange(offset, reasonEnd)
        offset = end
        return true
    }
}
