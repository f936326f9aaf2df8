/// Reads a request line and its fields from the bytes that have arrived (RFC 9112 §3 and §5).
///
/// Owns nothing but its limits. The limits bind the head, never what is buffered behind it.
public struct RequestParser: Sendable {
    public let limits: ParserLimits

    /// 32: nearly twice the longest method that is registered. Methods are passed on, so any token
    /// will do.
    private static let methodBytesMax = 32

    public init(limits: ParserLimits) {
        self.limits = limits.clamped
    }

    /// Reads the head at the start of `bytes`. `head` is of use exactly when the answer is
    /// `.complete`; its ranges are offsets into these `bytes`.
    ///
    /// - Parameter scannedCount: how much of these bytes an earlier call has seen. 0 for each new
    ///   head; this call moves it, and sets it back to 0 when the head is complete.
    /// - Throws: the first rule that the bytes break, the same however they were cut into pieces.
    ///   A complete line that breaks one is refused without waiting for more.
    public func parse(
        _ bytes: Span<UInt8>, scannedCount: inout Int, into head: inout RequestHead
    ) throws(ParseError) -> HeadProgress {
        guard
            HeadReread.isDue(
                bytes, scannedCount: scannedCount, startLineMax: startLineMax,
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

    /// A request line that has not ended here has a method or a target beyond its limit.
    private var startLineMax: Int {
        2 + RequestParser.methodBytesMax + 1 + limits.targetBytesMax + 1
    }

    private func parseHead(
        _ bytes: Span<UInt8>, into head: inout RequestHead
    ) throws(ParseError) -> Int? {
        var offset = 0
        guard try skipEmptyLine(bytes, &offset), try parseMethod(bytes, &offset, into: &head),
            try parseTarget(bytes, &offset, into: &head),
            try parseVersion(bytes, &offset, into: &head)
        else { return nil }
        let named = try RequestTarget.resolve(&head, in: bytes)
        head.fields.removeAll()
        guard
            try FieldParser.parse(
                bytes, from: &offset, countMax: limits.fieldCountMax, into: &head.fields)
        else { return nil }
        try HostField.apply(to: &head, named: named, in: bytes)
        return offset
    }

    /// RFC 9112 §2.2: one empty line before the request line is passed over, for clients that end
    /// a body with it. Not more: that would be bytes without end.
    @inline(__always)
    private func skipEmptyLine(
        _ bytes: Span<UInt8>, _ offset: inout Int
    ) throws(ParseError) -> Bool {
        guard !bytes.isEmpty else { return false }
        guard bytes[0] == ASCII.carriageReturn else { return true }
        guard bytes.count > 1 else { return false }
        guard bytes[1] == ASCII.lineFeed else { throw .bareLineEnd }
        offset = 2
        return true
    }

    @inline(__always)
    private func parseMethod(
        _ bytes: Span<UInt8>, _ offset: inout Int, into head: inout RequestHead
    ) throws(ParseError) -> Bool {
        let start = offset
        while offset < bytes.count, CharacterClass.isToken(bytes[offset]) {
            offset += 1
            guard offset - start <= RequestParser.methodBytesMax else { throw .methodTooLong }
        }
        guard offset < bytes.count else { return false }
        guard bytes[offset] == ASCII.space, offset > start else { throw .invalidMethod }
        head.methodRange = ByteRange(start, offset)
        head.method = .classify(bytes.extracting(start..<offset))
        offset += 1
        return true
    }

    @inline(__always)
    private func parseTarget(
        _ bytes: Span<UInt8>, _ offset: inout Int, into head: inout RequestHead
    ) throws(ParseError) -> Bool {
        let start = offset
        let window = bytes.extracting(first: start + limits.targetBytesMax + 1)
        var queryStart: Int?
        offset = window.firstTargetDelimiter(from: start)
        while offset < window.count, window[offset] == ASCII.question {
            offset += 1
            queryStart = queryStart ?? offset
            offset = window.firstTargetDelimiter(from: offset)
        }
        guard offset - start <= limits.targetBytesMax else { throw .targetTooLong }
        guard offset < bytes.count else { return false }
        guard bytes[offset] == ASCII.space, offset > start else {
            throw targetError(bytes[offset])
        }
        head.target = ByteRange(start, offset)
        head.query = queryStart.map { ByteRange($0, offset) } ?? .empty
        offset += 1
        return true
    }

    private func targetError(_ byte: UInt8) -> ParseError {
        switch byte {
        case ASCII.lineFeed: .bareLineEnd
        // HTTP/0.9 had no version; nothing speaks it any more (RFC 9112 §3).
        case ASCII.carriageReturn: .invalidVersion
        default: .invalidTarget
        }
    }

    @inline(__always)
    private func parseVersion(
        _ bytes: Span<UInt8>, _ offset: inout Int, into head: inout RequestHead
    ) throws(ParseError) -> Bool {
        guard
            let version = try HTTPVersionParser.parse(
                bytes, at: offset, malformed: .invalidVersion)
        else { return false }
        head.version = version
        offset += HTTPVersionParser.byteCount
        guard offset < bytes.count else { return false }
        guard bytes[offset] == ASCII.carriageReturn || bytes[offset] == ASCII.lineFeed else {
            throw .invalidVersion
        }
        guard let end = try FieldParser.lineEnd(bytes, at: offset) else { return false }
        offset = end
        return true
    }
}
