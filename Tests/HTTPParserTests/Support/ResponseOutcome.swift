import HTTPParser

/// A response head as text, to be compared.
struct ResponseText: Equatable, Sendable {
    var version = HTTPVersion.http11
    var status: UInt16 = 0
    var reason = ""
    var fields: [TextField] = []

    init(_ head: ResponseHead, in bytes: Span<UInt8>) {
        version = head.version
        status = head.status
        reason = text(bytes, head.reason)
        fields = textFields(head.fields, in: bytes)
    }
}

/// What becomes of these bytes as a response, however they are cut.
func responseOutcome(
    _ message: String, limits: ParserLimits = ParserLimits()
) -> HeadOutcome<ResponseText> {
    outcome(of: latin1(message)) { bytes, scannedCount in
        var head = ResponseHead()
        do throws(ParseError) {
            let parser = ResponseParser(limits: limits)
            switch try parser.parse(bytes, scannedCount: &scannedCount, into: &head) {
            case .needMore:
                return .needMore
            case .complete(let byteCount):
                return .complete(ResponseText(head, in: bytes), byteCount: byteCount)
            }
        } catch {
            return .refused(error)
        }
    }
}
