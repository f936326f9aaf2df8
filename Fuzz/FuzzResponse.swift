/// Responses: the answer does not depend on the pieces, and what is accepted keeps every promise of
/// `ResponseHead` and is framed in one way only.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzResponse(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe fuzzInput(start, count)
    let whole = feed(bytes, by: bytes.count, to: parse)
    for length in pieceLengths(for: bytes) {
        precondition(whole == feed(bytes, by: length, to: parse))
    }
    return 0
}

private func parse(_ bytes: Span<UInt8>, _ scannedCount: inout Int) -> FuzzOutcome {
    var head = ResponseHead()
    do throws(ParseError) {
        let parser = ResponseParser(limits: fuzzLimits)
        switch try parser.parse(bytes, scannedCount: &scannedCount, into: &head) {
        case .needMore:
            precondition(scannedCount == bytes.count && bytes.count < fuzzLimits.headBytesMax)
            return .needMore
        case .complete(let byteCount):
            precondition(byteCount <= min(bytes.count, fuzzLimits.headBytesMax))
            check(head, in: bytes.extracting(first: byteCount))
            return .complete(byteCount: byteCount)
        }
    } catch {
        return .refused(error)
    }
}

private func check(_ head: ResponseHead, in bytes: Span<UInt8>) {
    checkLineEnds(bytes)
    checkFields(head.fields, in: bytes)
    checkConnection(head.fields, in: bytes)
    precondition((100...599).contains(head.status))
    for offset in head.reason.offsets { precondition(CharacterClass.isFieldValue(bytes[offset])) }
    for method in [RequestMethod.get, .head, .connect] { checkFraming(head, to: method, in: bytes) }
}

private func checkFraming(_ head: ResponseHead, to method: RequestMethod, in bytes: Span<UInt8>) {
    guard let framing = try? MessageFraming.ofResponse(head, to: method, in: bytes) else { return }
    let hasLength = head.fields.contains(.contentLength)
    let hasCoding = head.fields.contains(.transferEncoding)
    let isBodiless = head.status < 200 || [204, 304].contains(head.status) || method == .head
    switch framing {
    case .none: precondition(isBodiless || method == .connect || hasLength)
    case .length(let length):
        precondition(hasLength && !hasCoding && length > 0 && !isBodiless)
    case .chunked:
        precondition(hasCoding && !hasLength && head.version == .http11 && !isBodiless)
    case .untilClose: precondition(!hasCoding && !hasLength && !isBodiless)
    }
}
