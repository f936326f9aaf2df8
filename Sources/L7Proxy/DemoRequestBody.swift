import HTTPParser

/// Finds the end of a request body that nobody reads.
struct DemoRequestBody {
    private enum Rest {
        case length(UInt64)
        case chunked(ChunkedDecoder)
    }

    private var rest: Rest

    init(_ framing: BodyFraming) {
        switch framing {
        case .length(let count): rest = .length(count)
        case .chunked: rest = .chunked(ChunkedDecoder())
        // A request never ends with its connection (RFC 9112 §6.3 item 7).
        case .none, .untilClose: rest = .length(0)
        }
    }

    var isComplete: Bool {
        switch rest {
        case .length(let count): count == 0
        case .chunked(let decoder): decoder.isDone
        }
    }

    /// Passes over what of `bytes` belongs to the body.
    ///
    /// - Returns: how many bytes that are.
    mutating func skip(_ bytes: Span<UInt8>) throws(ParseError) -> Int {
        switch rest {
        case .length(let count):
            let taken = min(count, UInt64(bytes.count))
            rest = .length(count - taken)
            return Int(taken)
        case .chunked(var decoder):
            var offset = 0
            while case .data = try decoder.next(in: bytes, from: &offset) {}
            rest = .chunked(decoder)
            return offset
        }
    }
}
