/// Requests: the answer does not depend on the pieces, and what is accepted keeps every promise of
/// `RequestHead` and is framed in one way only.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRequest(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe fuzzInput(start, count)
    let whole = feed(bytes, by: bytes.count, to: parse)
    for length in pieceLengths(for: bytes) {
        precondition(whole == feed(bytes, by: length, to: parse))
    }
    return 0
}

private func parse(_ bytes: Span<UInt8>, _ scannedCount: inout Int) -> FuzzOutcome {
    var head = RequestHead()
    do throws(ParseError) {
        let parser = RequestParser(limits: fuzzLimits)
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

private func check(_ head: RequestHead, in bytes: Span<UInt8>) {
    checkLineEnds(bytes)
    checkFields(head.fields, in: bytes)
    checkConnection(head.fields, in: bytes)
    precondition(head.methodRange.end + 1 == head.target.start && !head.target.isEmpty)
    precondition(head.target.count <= fuzzLimits.targetBytesMax)
    for offset in head.target.offsets {
        precondition(bytes[offset] > 0x20 && bytes[offset] < 0x7F && bytes[offset] != 0x23)
    }
    for part in [head.path, head.query] where !part.isEmpty {
        precondition(part.start >= head.target.start && part.end <= head.target.end)
    }
    if !head.path.isEmpty, head.targetForm != .asterisk {
        precondition(bytes[Int(head.path.start)] == 0x2F)
    }
    checkHost(head, in: bytes)
    checkFraming(head, in: bytes)
    if let options = try? ConnectionOptions(head.fields, in: bytes) {
        precondition(!UpgradeOffer.isWebSocket(head, options, in: bytes) || head.method == .get)
    }
}

private func checkHost(_ head: RequestHead, in bytes: Span<UInt8>) {
    precondition(!head.fields.isRepeated(.host))
    precondition(head.version == .http10 || head.fields.contains(.host))
    precondition(head.host.isEmpty == head.authority.isEmpty)
    precondition(head.host.isEmpty || head.host.start == head.authority.start)
    precondition(head.host.end <= head.authority.end)
    for offset in head.authority.offsets {
        // What ends an authority or splits it in two for another reader.
        precondition(!"@/?#\\, \t".utf8.contains(bytes[offset]))
    }
}

private func checkFraming(_ head: RequestHead, in bytes: Span<UInt8>) {
    guard let framing = try? MessageFraming.ofRequest(head, in: bytes) else { return }
    let hasLength = head.fields.contains(.contentLength)
    let hasCoding = head.fields.contains(.transferEncoding)
    switch framing {
    case .none: precondition(!hasCoding)
    case .length(let length): precondition(hasLength && !hasCoding && length > 0)
    case .chunked: precondition(hasCoding && !hasLength && head.version == .http11)
    case .untilClose: preconditionFailure("no request lasts until its connection ends")
    }
}
