import HTTPParser
import Testing

/// What came out of a chunked body.
struct ChunkedOutcome: Equatable, Sendable {
    var payload = ""
    /// The trailer section, with its empty line.
    var trailers = ""
    /// Non-nil exactly when the end was found: one past the last byte of the message.
    var byteCount: Int?
    var error: ParseError?

    /// The trailers have tests of their own, and are compared between cuts only.
    static func == (left: ChunkedOutcome, right: ChunkedOutcome) -> Bool {
        left.payload == right.payload && left.byteCount == right.byteCount
            && left.error == right.error
    }
}

/// The outcome for these bytes, which has to be the same for every way to cut them.
func chunkedOutcome(
    _ body: String, decoder: ChunkedDecoder = ChunkedDecoder()
) -> ChunkedOutcome {
    let bytes = latin1(body)
    let whole = decode(bytes, arriving: [bytes.count], by: decoder)
    for ends in everySplit(ofCount: bytes.count) {
        let cut = decode(bytes, arriving: ends, by: decoder)
        #expect(cut.trailers == whole.trailers)
        #expect(cut == whole, "cut at \(ends.count == 2 ? ends[0] : -1)")
    }
    return whole
}

/// Shows each piece once, as it arrives.
func decode(
    _ bytes: [UInt8], arriving ends: [Int], by fresh: ChunkedDecoder
) -> ChunkedOutcome {
    let memory = GuardedMemory(capacity: bytes.count)
    var decoder = fresh
    var outcome = ChunkedOutcome()
    var start = 0
    for end in ends {
        let consumed = memory.withBytes(bytes[start..<end]) {
            decode(piece: $0, by: &decoder, into: &outcome)
        }
        if outcome.error != nil { return outcome }
        if decoder.isDone {
            outcome.byteCount = start + consumed
            return outcome
        }
        #expect(consumed == end - start, "needMore means that all is consumed")
        start = end
    }
    return outcome
}

private func decode(
    piece: Span<UInt8>, by decoder: inout ChunkedDecoder, into outcome: inout ChunkedOutcome
) -> Int {
    var offset = 0
    do throws(ParseError) {
        while true {
            switch try decoder.next(in: piece, from: &offset) {
            case .data(let range):
                outcome.payload += text(piece, range)
            case .trailer(let range):
                outcome.trailers += text(piece, range)
            case .needMore, .end:
                return offset
            }
        }
    } catch {
        outcome.error = error
        // How much was shown before the error depends on the pieces.
        outcome.trailers = ""
        return offset
    }
}
