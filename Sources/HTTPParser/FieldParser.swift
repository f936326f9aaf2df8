/// Reads the field lines of a head up to and with the empty line that ends it (RFC 9112 §5).
///
/// Strict on purpose: what two parsers read differently, an attacker can use. A line ends in CRLF,
/// a name is a token with the colon right behind it, and no line continues the one before it.
internal enum FieldParser {
    /// Moves `offset` behind the empty line and returns true, or returns false when the empty line
    /// is not among the bytes; the fields read so far are then of no use.
    static func parse(
        _ bytes: Span<UInt8>, from offset: inout Int, countMax: Int,
        into fields: inout FieldSection
    ) throws(ParseError) -> Bool {
        var position = offset
        while true {
            let filling = try fields.names.readLines(
                bytes, from: &position, countMax: countMax, into: &fields.slots)
            switch filling {
            case .needsRoom: fields.grow()
            case .needsBytes: return false
            case .isWhole:
                offset = position
                return true
            }
        }
    }

    /// The field line that begins at `start`, or nil when its end is not there yet.
    @inline(__always)
    fileprivate static func parseLine(
        _ bytes: Span<UInt8>, from start: Int
    ) throws(ParseError) -> Field? {
        let colon = bytes.firstNonToken(from: start)
        guard colon < bytes.count else { return nil }
        guard bytes[colon] == ASCII.colon, colon > start else {
            throw nameError(bytes[colon], isFirst: colon == start)
        }
        var valueStart = colon + 1
        while valueStart < bytes.count, CharacterClass.isWhitespace(bytes[valueStart]) {
            valueStart += 1
        }
        var valueEnd = bytes.firstControl(from: valueStart)
        guard let end = try lineEnd(bytes, at: valueEnd) else { return nil }
        while valueEnd > valueStart, CharacterClass.isWhitespace(bytes[valueEnd - 1]) {
            valueEnd -= 1
        }
        let name = ByteRange(start, colon)
        return Field(
            name: name, value: ByteRange(valueStart, valueEnd), lineEnd: end,
            known: .classify(bytes.extracting(name.offsets)))
    }

    /// One past the CRLF at `offset`, or nil when it is not there yet. Also the end of the start
    /// lines: whatever else stands at `offset` is refused as the control it is.
    @inline(__always)
    static func lineEnd(_ bytes: Span<UInt8>, at offset: Int) throws(ParseError) -> Int? {
        guard offset < bytes.count else { return nil }
        guard bytes[offset] == ASCII.carriageReturn else {
            throw bytes[offset] == ASCII.lineFeed ? .bareLineEnd : .invalidFieldValue
        }
        guard offset + 1 < bytes.count else { return nil }
        // RFC 9112 §2.2: a CR alone is neither a line end nor white space here.
        guard bytes[offset + 1] == ASCII.lineFeed else { throw .bareLineEnd }
        return offset + 2
    }

    /// Why `byte` cannot stand where a name should go on or end in a colon.
    static func nameError(_ byte: UInt8, isFirst: Bool) -> ParseError {
        switch byte {
        case ASCII.lineFeed:
            .bareLineEnd
        case ASCII.space, ASCII.tab:
            // RFC 9112 §5.2: obs-fold, or white space before the first field (§2.2).
            // RFC 9112 §5.1: white space between name and colon.
            isFirst ? .foldedLine : .whitespaceBeforeColon
        default:
            .invalidFieldName
        }
    }
}

extension FieldNameIndex {
    fileprivate enum Filling { case needsRoom, needsBytes, isWhole }

    /// Reads lines into the slots that are there. That nobody shares the slots is tested once, and
    /// not for each of them.
    @inline(__always)
    fileprivate mutating func readLines(
        _ bytes: Span<UInt8>, from position: inout Int, countMax: Int, into slots: inout [Field]
    ) throws(ParseError) -> Filling {
        var slots = slots.mutableSpan
        while position < bytes.count {
            if bytes[position] == ASCII.carriageReturn {
                guard let end = try FieldParser.lineEnd(bytes, at: position) else {
                    return .needsBytes
                }
                position = end
                return .isWhole
            }
            guard count < countMax else { throw .tooManyFields }
            guard count < slots.count else { return .needsRoom }
            guard let field = try FieldParser.parseLine(bytes, from: position) else {
                return .needsBytes
            }
            slots[count] = field
            append(field.known)
            position = Int(field.lineEnd)
        }
        return .needsBytes
    }
}
