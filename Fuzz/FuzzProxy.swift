/// PROXY headers: the answer does not depend on the pieces, is bounded, and keeps every promise of
/// `ProxyProtocolHeader`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzProxy(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe fuzzInput(start, count)
    let whole = feed(bytes, by: bytes.count)
    for length in pieceLengths(for: bytes) {
        precondition(whole == feed(bytes, by: length))
    }
    if case .success(let header) = whole { check(header, in: bytes) }
    return 0
}

private typealias Outcome = Result<ProxyProtocolHeader?, ProxyProtocolError>

private func feed(_ bytes: [UInt8], by step: Int) -> Outcome {
    var end = 0
    while end < bytes.count {
        end = min(end + step, bytes.count)
        // A copy for each piece: reading beyond it is reading beyond an allocation.
        let piece = Array(bytes[..<end])
        do throws(ProxyProtocolError) {
            if let header = try ProxyProtocolParser.parse(piece.span) { return .success(header) }
        } catch {
            return .failure(error)
        }
    }
    return .success(nil)
}

private func check(_ header: ProxyProtocolHeader?, in bytes: [UInt8]) {
    guard let header else {
        // What is not refused yet is waited for, but never beyond the longest header.
        precondition(bytes.count < ProxyProtocolParser.bytesMax)
        return
    }
    precondition(header.byteCount <= min(bytes.count, ProxyProtocolParser.bytesMax))
    precondition(header.byteCount >= 15)
    guard let endpoints = header.endpoints else { return }
    for address in [endpoints.source, endpoints.destination] {
        switch address {
        case .v4Text(let range), .v6Text(let range):
            precondition(!range.isEmpty && range.end <= header.byteCount)
            precondition(header.byteCount <= ProxyProtocolParser.textBytesMax)
        case .v4, .v6: precondition(header.byteCount >= 28)
        }
    }
}
