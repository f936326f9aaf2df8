/// How long a message body is: the decision table of RFC 9112 §6.3.
///
/// Wherever two readers could come to different lengths the message is refused: that difference is
/// what request smuggling is made of.
public enum MessageFraming {
    /// The framing of a request's body; `.none` when no field tells of one (item 7).
    public static func ofRequest(
        _ head: RequestHead, in bytes: Span<UInt8>
    ) throws(ParseError) -> BodyFraming {
        if try hasChunkedCoding(head.fields, version: head.version, in: bytes) { return .chunked }
        // Even equal ones: no client repeats the field, and what stands in front may have read the
        // other one.
        guard !head.fields.isRepeated(.contentLength) else { throw .conflictingContentLength }
        return framing(ofLength: try contentLength(head.fields, in: bytes) ?? 0)
    }

    /// The framing of a response's body.
    ///
    /// - Parameter method: of the request that it answers.
    public static func ofResponse(
        _ head: ResponseHead, to method: RequestMethod, in bytes: Span<UInt8>
    ) throws(ParseError) -> BodyFraming {
        if isBodiless(status: head.status, method: method) {
            // The field is passed on where it says what a GET would get (RFC 9110 §8.6).
            _ = try contentLength(head.fields, in: bytes)
            return .none
        }
        if try hasChunkedCoding(head.fields, version: head.version, in: bytes) { return .chunked }
        guard let length = try contentLength(head.fields, in: bytes) else { return .untilClose }
        return framing(ofLength: length)
    }

    /// RFC 9112 §6.3 items 1 and 2: these have no body whatever their fields say. Believing the
    /// fields would make us wait for bytes that belong to the next response.
    private static func isBodiless(status: UInt16, method: RequestMethod) -> Bool {
        switch status {
        case 100..<200, 204, 304: true
        case 200..<300: method == .head || method == .connect
        default: method == .head
        }
    }

    private static func framing(ofLength length: UInt64) -> BodyFraming {
        length == 0 ? .none : .length(length)
    }

    /// Whether the body is chunked; false when there is no Transfer-Encoding.
    @inline(__always)
    private static func hasChunkedCoding(
        _ fields: FieldSection, version: HTTPVersion, in bytes: Span<UInt8>
    ) throws(ParseError) -> Bool {
        guard let field = fields.first(.transferEncoding) else { return false }
        // RFC 9112 §6.3 item 3: both present is an attack, or a peer that cannot be trusted.
        guard !fields.contains(.contentLength) else { throw .contentLengthWithTransferEncoding }
        // RFC 9112 §6.1: in HTTP/1.0 the framing is to be treated as faulty.
        guard version == .http11 else { throw .transferEncodingInHTTP10 }
        // RFC 9112 §6.3 item 4, stricter: no coding but chunked, once. Everything else is either
        // obsolete or a way to hide `chunked` from one of two readers.
        guard !fields.isRepeated(.transferEncoding),
            bytes.extracting(field.value.offsets).equalsIgnoringCase("chunked")
        else { throw codingError(fields, in: bytes) }
        return true
    }

    /// RFC 9112 §6.3 item 4 asks for 400 where `chunked` is not the last coding, §6.1 for 501 where
    /// one before it is not known.
    private static func codingError(_ fields: FieldSection, in bytes: Span<UInt8>) -> ParseError {
        var chunkedCount = 0
        var endsInChunked = false
        var codingCount = 0
        var position = 0
        while let next = fields.position(of: .transferEncoding, from: position) {
            var codings = TokenList(fields[next].value)
            while let coding = codings.next(in: bytes) {
                endsInChunked = bytes.extracting(coding.offsets).equalsIgnoringCase("chunked")
                chunkedCount += endsInChunked ? 1 : 0
                codingCount += 1
            }
            position = next + 1
        }
        let isFramed = endsInChunked && chunkedCount == 1 && codingCount > 1
        return isFramed ? .unsupportedTransferEncoding : .invalidTransferEncoding
    }

    /// The value of Content-Length, nil without one. Several fields must agree in value
    /// (RFC 9112 §6.3 item 5); a list in one field is refused.
    @inline(__always)
    private static func contentLength(
        _ fields: FieldSection, in bytes: Span<UInt8>
    ) throws(ParseError) -> UInt64? {
        guard let first = fields.first(.contentLength) else { return nil }
        let length = try parseLength(bytes.extracting(first.value.offsets))
        guard fields.isRepeated(.contentLength) else { return length }
        var position = 0
        while let next = fields.position(of: .contentLength, from: position) {
            let other = try parseLength(bytes.extracting(fields[next].value.offsets))
            guard other == length else { throw .conflictingContentLength }
            position = next + 1
        }
        return length
    }

    /// 1*DIGIT and nothing else (RFC 9110 §8.6): no sign, no list, no white space.
    private static func parseLength(_ digits: Span<UInt8>) throws(ParseError) -> UInt64 {
        // 19 digits cannot overflow 64 bits; Int64.max, the most we take, has no more.
        guard (1...19).contains(digits.count) else { throw .invalidContentLength }
        var length: UInt64 = 0
        for offset in 0..<digits.count {
            guard CharacterClass.isDigit(digits[offset]) else { throw .invalidContentLength }
            length = length * 10 + UInt64(digits[offset] - 0x30)
        }
        guard length <= UInt64(Int64.max) else { throw .invalidContentLength }
        return length
    }
}
