/// Chunked bodies: the answer does not depend on the pieces, and a body that is accepted reads the
/// same to a decoder that is written as simply as can be.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzChunked(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe fuzzInput(start, count)
    let whole = decode(bytes, by: bytes.count)
    for length in pieceLengths(for: bytes) {
        precondition(whole == decode(bytes, by: length))
    }
    if let byteCount = whole.byteCount {
        let plain = decodePlainly(Array(bytes[..<byteCount]))
        precondition(plain == whole.payload)
        var fields = FieldSection()
        // Of fields that are not too many, each line was tested by the same rules before.
        precondition(
            TrailerParser.parse(whole.trailers.span, into: &fields)
                || whole.trailers.count > 64 * 4)
    }
    return 0
}

private struct Decoded: Equatable {
    var payload: [UInt8] = []
    var trailers: [UInt8] = []
    var byteCount: Int?
    var error: ParseError?
}

private func decode(_ bytes: [UInt8], by step: Int) -> Decoded {
    var decoder = ChunkedDecoder(trailerBytesMax: 64)
    var decoded = Decoded()
    var start = 0
    while start < bytes.count, decoded.error == nil, decoded.byteCount == nil {
        let end = min(start + step, bytes.count)
        decode(piece: Array(bytes[start..<end]), at: start, by: &decoder, into: &decoded)
        start = end
    }
    return decoded
}

private func decode(
    piece: [UInt8], at start: Int, by decoder: inout ChunkedDecoder, into decoded: inout Decoded
) {
    var offset = 0
    do throws(ParseError) {
        while true {
            let before = offset
            switch try decoder.next(in: piece.span, from: &offset) {
            case .needMore:
                precondition(offset == piece.count && !decoder.isDone)
                return
            case .data(let range):
                precondition(!range.isEmpty && range.offsets.upperBound == offset)
                precondition(range.offsets.lowerBound >= before)
                decoded.payload += piece[range.offsets]
            case .trailer(let range):
                precondition(!range.isEmpty && range.offsets.upperBound == offset)
                decoded.trailers += piece[range.offsets]
            case .end:
                precondition(decoder.isDone)
                decoded.byteCount = start + offset
                return
            }
        }
    } catch {
        decoded.error = error
        // How much was shown before the error depends on the pieces.
        decoded.trailers = []
    }
}

/// The payload of a whole and valid body. Believes what it reads: the decoder has accepted it.
private func decodePlainly(_ bytes: [UInt8]) -> [UInt8]? {
    var payload: [UInt8] = []
    var rest = bytes[...]
    while let lineEnd = rest.firstIndex(of: 0x0D) {
        let line = rest[..<lineEnd]
        let digits = line.prefix { CharacterClass.hexValue($0) != nil }
        // Nothing, or an extension, with white space before it or not (RFC 9112 §7.1.1).
        let behind = line.dropFirst(digits.count).drop { CharacterClass.isWhitespace($0) }
        guard behind.first == 0x3B || digits.count == line.count else { return nil }
        guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16) else { return nil }
        rest = rest[(lineEnd + 2)...]
        if size == 0 { return rest.suffix(2) == [0x0D, 0x0A] ? payload : nil }
        payload += rest.prefix(size)
        rest = rest.dropFirst(size + 2)
    }
    return nil
}
