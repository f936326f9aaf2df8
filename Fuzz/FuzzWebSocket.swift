/// WebSocket frames: the boundaries do not depend on the pieces, and are those of a scanner that is
/// written as simply as can be. The same bytes as a request's fields never make an offer that lacks
/// a part of the handshake.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzWebSocket(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe fuzzInput(start, count)
    let whole = boundaries(of: bytes, by: bytes.count)
    for length in pieceLengths(for: bytes) {
        precondition(whole == boundaries(of: bytes, by: length))
    }
    precondition(whole.ends == plainBoundaries(of: bytes))
    checkHandshake(bytes)
    return 0
}

private struct Boundaries: Equatable {
    var ends: [Int] = []
    var scanner = WebSocketFrameScanner()
}

private func boundaries(of bytes: [UInt8], by step: Int) -> Boundaries {
    var result = Boundaries()
    var start = 0
    while start < bytes.count {
        let end = min(start + step, bytes.count)
        let piece = Array(bytes[start..<end])
        var offset = 0
        while result.scanner.skipFrame(in: piece.span, from: &offset) {
            precondition(result.scanner.isBetweenFrames)
            result.ends.append(start + offset)
        }
        precondition(offset == piece.count)
        start = end
    }
    return result
}

/// Where whole frames end, read from all the bytes at once (RFC 6455 §5.2).
private func plainBoundaries(of bytes: [UInt8]) -> [Int] {
    var ends: [Int] = []
    var rest = bytes[...]
    while rest.count >= 2 {
        let head = Array(rest.prefix(10))
        let short = Int(head[1] & 0x7F)
        let lengthBytes = short == 127 ? 8 : short == 126 ? 2 : 0
        guard head.count >= 2 + lengthBytes else { break }
        let digits = head[2..<(2 + lengthBytes)]
        let length = lengthBytes == 0 ? UInt64(short) : digits.reduce(0) { $0 << 8 | UInt64($1) }
        let headBytes = 2 + lengthBytes + (head[1] & 0x80 != 0 ? 4 : 0)
        guard length < 1 << 62, rest.count >= headBytes + Int(length) else { break }
        rest = rest.dropFirst(headBytes + Int(length))
        ends.append(bytes.count - rest.count)
    }
    return ends
}

/// The bytes as the fields behind a GET.
private func checkHandshake(_ fields: [UInt8]) {
    let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n".utf8) + fields
    var head = RequestHead()
    var scannedCount = 0
    let parser = RequestParser(limits: fuzzLimits)
    guard case .complete? = try? parser.parse(bytes.span, scannedCount: &scannedCount, into: &head),
        let options = try? ConnectionOptions(head.fields, in: bytes.span),
        UpgradeOffer.isWebSocket(head, options, in: bytes.span)
    else { return }
    precondition(options.upgrade && head.fields.contains(.upgrade))
    for name in [FieldName.secWebSocketKey, .secWebSocketVersion] {
        precondition(head.fields.contains(name) && !head.fields.isRepeated(name))
    }
    precondition(head.fields.first(.secWebSocketKey)?.value.count == 24)
}
