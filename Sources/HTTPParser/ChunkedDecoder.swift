/// Finds the boundaries of a chunked body (RFC 9112 §7.1) and never moves its bytes.
///
/// Its whole state is a few numbers, so a body may be shown to it in pieces of any size, and each
/// byte once. Trailers are tested by the rules for field lines, and shown as they are.
public struct ChunkedDecoder: Sendable {
    public enum Step: Equatable, Sendable {
        /// All bytes from the offset on are consumed.
        case needMore
        /// Payload: a part of a chunk or all of it, as offsets into the bytes that were shown.
        case data(ByteRange)
        /// A part of the trailer section or all of it, with the empty line that ends it.
        case trailer(ByteRange)
        /// The message is over; the offset is behind its last byte.
        case end
    }

    private enum State: UInt8 {
        case sizeStart, size, sizeWhitespace, sizeLineFeed
        case extensionPlain, extensionQuoted, extensionEscape
        case data, dataCarriageReturn, dataLineFeed
        case trailerStart, trailerName, trailerValue, trailerLineFeed, endLineFeed
        case done

        var isTrailer: Bool {
            switch self {
            case .trailerStart, .trailerName, .trailerValue, .trailerLineFeed, .endLineFeed: true
            case .sizeStart, .size, .sizeWhitespace, .sizeLineFeed, .extensionPlain,
                .extensionQuoted, .extensionEscape, .data, .dataCarriageReturn, .dataLineFeed,
                .done:
                false
            }
        }
    }

    /// 16 hexadecimal digits make 64 bits. More would only be leading zeros.
    private static let sizeDigitsMax: UInt8 = 16
    /// Of one chunk line. The largest in use, a signature of an upload, takes 85.
    private static let extensionBytesMax: Int32 = 256
    /// How far extension bytes may run ahead of payload: room for a run of small chunks, but not a
    /// body that is all extension and slips past every limit on bodies.
    private static let extensionExcessMax: Int32 = 16 * 1024

    private var state = State.sizeStart
    private var digitCount: UInt8 = 0
    /// The size read so far, then what of the chunk's data is still to come.
    private var remaining: UInt64 = 0
    // 32 bits: each connection holds two decoders.
    private var extensionByteCount: Int32 = 0
    private var extensionExcess: Int32 = 0
    private var trailerByteCount: Int32 = 0
    private let trailerBytesMax: Int32

    /// - Parameter trailerBytesMax: bytes of all trailer lines with their final empty line.
    public init(trailerBytesMax: Int = 8192) {
        // One less than the largest number, so that a count can pass it.
        self.trailerBytesMax = Int32(clamping: min(trailerBytesMax, Int(Int32.max) - 1))
    }

    /// Whether the last byte of the message has been consumed.
    public var isDone: Bool { state == .done }

    /// Consumes bytes from `offset` up to the next boundary and moves `offset` behind them.
    ///
    /// After an error the decoder is of no more use: the framing is lost.
    public mutating func next(
        in bytes: Span<UInt8>, from offset: inout Int
    ) throws(ParseError) -> Step {
        while offset < bytes.count, state != .done {
            if state == .data {
                return .data(takeData(in: bytes, from: &offset))
            }
            if state.isTrailer {
                return .trailer(try takeTrailer(in: bytes, from: &offset))
            }
            try consume(bytes[offset])
            offset += 1
        }
        return state == .done ? .end : .needMore
    }

    private mutating func takeData(in bytes: Span<UInt8>, from offset: inout Int) -> ByteRange {
        // Ranges have 32 bits; no buffer of ours comes near.
        precondition(bytes.count <= UInt32.max)
        let count = Int(min(remaining, UInt64(bytes.count - offset)))
        let range = ByteRange(offset, offset + count)
        offset += count
        remaining -= UInt64(count)
        extensionExcess = max(0, extensionExcess - Int32(clamping: count))
        if remaining == 0 { state = .dataCarriageReturn }
        return range
    }

    private mutating func takeTrailer(
        in bytes: Span<UInt8>, from offset: inout Int
    ) throws(ParseError) -> ByteRange {
        let start = offset
        while offset < bytes.count, state != .done {
            try consumeTrailer(bytes[offset])
            offset += 1
        }
        return ByteRange(start, offset)
    }

    /// Everything but data and trailers goes through here a byte at a time: a few bytes a chunk.
    private mutating func consume(_ byte: UInt8) throws(ParseError) {
        switch state {
        case .sizeStart, .size:
            try consumeSize(byte)
        case .sizeWhitespace:
            try consumeWhitespace(byte)
        case .extensionPlain, .extensionQuoted, .extensionEscape:
            try consumeExtension(byte)
        case .sizeLineFeed:
            guard byte == ASCII.lineFeed else { throw .bareLineEnd }
            state = remaining == 0 ? .trailerStart : .data
        case .dataCarriageReturn:
            guard byte == ASCII.carriageReturn else { throw .invalidChunkEnd }
            state = .dataLineFeed
        case .dataLineFeed:
            guard byte == ASCII.lineFeed else { throw .invalidChunkEnd }
            state = .sizeStart
        case .data, .trailerStart, .trailerName, .trailerValue, .trailerLineFeed, .endLineFeed,
            .done:
            preconditionFailure("only what is between the chunks is consumed here")
        }
    }

    private mutating func consumeSize(_ byte: UInt8) throws(ParseError) {
        if state == .sizeStart {
            remaining = 0
            digitCount = 0
            extensionByteCount = 0
        }
        if let digit = CharacterClass.hexValue(byte) {
            guard remaining <= UInt64(Int64.max) >> 4 else { throw .chunkTooLarge }
            guard digitCount < ChunkedDecoder.sizeDigitsMax else { throw .invalidChunkSize }
            remaining = remaining << 4 | UInt64(digit)
            digitCount += 1
            state = .size
            return
        }
        // No size, a sign and `0x` end here.
        guard state == .size else { throw .invalidChunkSize }
        switch byte {
        case ASCII.carriageReturn: state = .sizeLineFeed
        case ASCII.semicolon: state = .extensionPlain
        case ASCII.lineFeed: throw .bareLineEnd
        default: try consumeWhitespace(byte)
        }
    }

    /// RFC 9112 §7.1.1: white space may stand between the size and an extension, and only there:
    /// behind a size alone some readers take it for a part of the number.
    private mutating func consumeWhitespace(_ byte: UInt8) throws(ParseError) {
        if byte == ASCII.semicolon {
            state = .extensionPlain
            return
        }
        guard CharacterClass.isWhitespace(byte) else { throw .invalidChunkSize }
        state = .sizeWhitespace
        try countExtensionByte()
    }

    /// Quotes have to be closed: whoever honours them would look for the end of the line behind
    /// them, and whoever does not, here.
    private mutating func consumeExtension(_ byte: UInt8) throws(ParseError) {
        if byte == ASCII.carriageReturn {
            guard state == .extensionPlain else { throw .invalidChunkSize }
            state = .sizeLineFeed
            return
        }
        guard byte != ASCII.lineFeed else { throw .bareLineEnd }
        guard CharacterClass.isFieldValue(byte) else { throw .invalidChunkSize }
        switch (state, byte) {
        case (.extensionPlain, ASCII.quote): state = .extensionQuoted
        case (.extensionQuoted, ASCII.quote): state = .extensionPlain
        case (.extensionQuoted, ASCII.backslash): state = .extensionEscape
        case (.extensionEscape, _): state = .extensionQuoted
        default: break
        }
        try countExtensionByte()
    }

    private mutating func countExtensionByte() throws(ParseError) {
        extensionByteCount += 1
        extensionExcess += 1
        guard extensionByteCount <= ChunkedDecoder.extensionBytesMax,
            extensionExcess <= ChunkedDecoder.extensionExcessMax
        else { throw .chunkExtensionTooLong }
    }

    private mutating func consumeTrailer(_ byte: UInt8) throws(ParseError) {
        trailerByteCount += 1
        guard trailerByteCount <= trailerBytesMax else { throw .trailersTooLarge }
        switch state {
        case .trailerStart where byte == ASCII.carriageReturn:
            state = .endLineFeed
        case .trailerStart, .trailerName:
            try consumeTrailerName(byte)
        case .trailerValue:
            if byte == ASCII.carriageReturn {
                state = .trailerLineFeed
            } else if !CharacterClass.isFieldValue(byte) {
                throw byte == ASCII.lineFeed ? .bareLineEnd : .invalidFieldValue
            }
        default:
            guard byte == ASCII.lineFeed else { throw .bareLineEnd }
            state = state == .endLineFeed ? .done : .trailerStart
        }
    }

    private mutating func consumeTrailerName(_ byte: UInt8) throws(ParseError) {
        if CharacterClass.isToken(byte) {
            state = .trailerName
        } else if byte == ASCII.colon, state == .trailerName {
            state = .trailerValue
        } else {
            throw FieldParser.nameError(byte, isFirst: state == .trailerStart)
        }
    }
}
