import HTTPParser

/// A request head as text, to be compared.
struct RequestText: Equatable, Sendable {
    var method = RequestMethod.get
    var methodName = ""
    var target = ""
    var form = RequestTargetForm.origin
    var path = ""
    var query = ""
    var authority = ""
    var host = ""
    var version = HTTPVersion.http11
    var fields: [TextField] = []

    init(_ head: RequestHead, in bytes: Span<UInt8>) {
        method = head.method
        methodName = text(bytes, head.methodRange)
        target = text(bytes, head.target)
        form = head.targetForm
        path = text(bytes, head.path)
        query = text(bytes, head.query)
        authority = text(bytes, head.authority)
        host = text(bytes, head.host)
        version = head.version
        fields = textFields(head.fields, in: bytes)
    }
}

/// What becomes of these bytes as a request, however they are cut.
func requestOutcome(
    _ message: String, limits: ParserLimits = ParserLimits()
) -> HeadOutcome<RequestText> {
    outcome(of: latin1(message)) { bytes, scannedCount in
        parseRequest(bytes, scannedCount: &scannedCount, limits: limits)
    }
}

/// What becomes of these bytes when they arrive at once: for tables too large to be cut as well.
func wholeRequestOutcome(_ message: String) -> HeadOutcome<RequestText> {
    let bytes = latin1(message)
    return feed(bytes, arriving: [bytes.count]) { bytes, scannedCount in
        parseRequest(bytes, scannedCount: &scannedCount, limits: ParserLimits())
    }
}

/// One call of the parser.
func parseRequest(
    _ bytes: Span<UInt8>, scannedCount: inout Int, limits: ParserLimits
) -> HeadOutcome<RequestText> {
    var head = RequestHead()
    do throws(ParseError) {
        let parser = RequestParser(limits: limits)
        switch try parser.parse(bytes, scannedCount: &scannedCount, into: &head) {
        case .needMore:
            return .needMore
        case .complete(let byteCount):
            return .complete(RequestText(head, in: bytes), byteCount: byteCount)
        }
    } catch {
        return .refused(error)
    }
}

/// A GET request with these lines, each without its CRLF, behind a Host field.
func request(fields lines: String...) -> String {
    "GET / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
}
