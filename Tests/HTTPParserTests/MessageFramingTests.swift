import HTTPParser
import Testing

/// A framing or the reason why there is none.
private typealias Framing = Result<BodyFraming, ParseError>

@Suite("Message framing")
struct MessageFramingTests {
    private func request(_ lines: String, version: String = "1.1") -> Framing {
        let bytes = latin1("POST / HTTP/\(version)\r\nHost: a\r\n\(lines)\r\n")
        var head = RequestHead()
        var scannedCount = 0
        return Framing { () throws(ParseError) -> BodyFraming in
            _ = try RequestParser(limits: ParserLimits())
                .parse(bytes.span, scannedCount: &scannedCount, into: &head)
            return try MessageFraming.ofRequest(head, in: bytes.span)
        }
    }

    private func response(
        _ lines: String, status: UInt16 = 200, version: String = "1.1",
        to method: RequestMethod = .get
    ) -> Framing {
        let bytes = latin1("HTTP/\(version) \(status) X\r\n\(lines)\r\n")
        var head = ResponseHead()
        var scannedCount = 0
        return Framing { () throws(ParseError) -> BodyFraming in
            _ = try ResponseParser(limits: ParserLimits())
                .parse(bytes.span, scannedCount: &scannedCount, into: &head)
            return try MessageFraming.ofResponse(head, to: method, in: bytes.span)
        }
    }

    @Test("a request without framing fields has no body (RFC 9112 §6.3 item 7)")
    func plainRequest() {
        #expect(request("") == .success(.none))
        #expect(request("", version: "1.0") == .success(.none))
    }

    @Test(
        "Content-Length is a number of bytes (RFC 9112 §6.3 item 6)",
        arguments: [
            ("0", BodyFraming.none), ("1", .length(1)), ("42", .length(42)), ("0042", .length(42)),
            ("0000000000000000000", .none), ("9223372036854775807", .length(UInt64(Int64.max))),
        ])
    func contentLength(value: String, framing: BodyFraming) {
        #expect(request("Content-Length: \(value)\r\n") == .success(framing))
        #expect(request("content-length:\(value)\t\r\n", version: "1.0") == .success(framing))
        #expect(response("Content-Length: \(value)\r\n") == .success(framing))
    }

    @Test(
        "anything but digits is no length (RFC 9110 §8.6)",
        arguments: [
            "", "+1", "-1", "-0", "0x10", "1,1", "1, 1", "1;1", "1.0", "1e3", "a", "1a",
            "1 1", "1\t1", "\"1\"", "\u{B2}", "9223372036854775808", "18446744073709551615",
            "18446744073709551616", "99999999999999999999", "00000000000000000001", "1_000",
        ])
    func invalidLengths(value: String) {
        let line = "Content-Length: \(value)\r\n"
        #expect(request(line) == .failure(.invalidContentLength))
        #expect(response(line) == .failure(.invalidContentLength))
    }

    @Test("two Content-Length fields in a request are refused, equal or not")
    func repeatedLengthInRequest() {
        for other in ["5", "6", "x"] {
            let lines = "Content-Length: 5\r\nContent-Length: \(other)\r\n"
            #expect(request(lines) == .failure(.conflictingContentLength))
        }
    }

    @Test("several Content-Length fields of a response must agree (RFC 9112 §6.3 item 5)")
    func repeatedLengthInResponse() {
        func lines(_ values: String...) -> String {
            values.map { "Content-Length: \($0)\r\nX: y\r\n" }.joined()
        }
        #expect(response(lines("5", "5")) == .success(.length(5)))
        #expect(response(lines("5", "05", "5")) == .success(.length(5)))
        #expect(response(lines("5", "6")) == .failure(.conflictingContentLength))
        #expect(response(lines("5", "5", "6")) == .failure(.conflictingContentLength))
        #expect(response(lines("5", "x")) == .failure(.invalidContentLength))
    }

    @Test(
        "chunked is the one transfer coding (RFC 9112 §6.3 item 4)",
        arguments: ["chunked", "Chunked", "CHUNKED", " chunked "])
    func chunked(value: String) {
        #expect(request("Transfer-Encoding: \(value)\r\n") == .success(.chunked))
        #expect(response("Transfer-Encoding: \(value)\r\n") == .success(.chunked))
    }

    @Test("a message of HTTP/1.0 cannot be chunked (RFC 9112 §6.1)")
    func chunkedInHTTP10() {
        let line = "Transfer-Encoding: chunked\r\n"
        #expect(request(line, version: "1.0") == .failure(.transferEncodingInHTTP10))
        #expect(response(line, version: "1.0") == .failure(.transferEncodingInHTTP10))
    }

    @Test("a response without framing fields lasts until its connection ends (item 8)")
    func untilClose() {
        #expect(response("") == .success(.untilClose))
        #expect(response("", version: "1.0") == .success(.untilClose))
        #expect(response("", status: 500) == .success(.untilClose))
    }

    @Test(
        "some responses have no body whatever their fields say (RFC 9112 §6.3 item 1)",
        arguments: [
            (100, RequestMethod.get), (101, .get), (103, .post), (204, .get), (304, .get),
            (200, .head), (404, .head), (500, .head), (204, .head), (304, .head), (206, .head),
        ] as [(UInt16, RequestMethod)])
    func bodiless(status: UInt16, method: RequestMethod) {
        for lines in ["", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"] {
            #expect(response(lines, status: status, to: method) == .success(.none))
        }
        #expect(
            response("Content-Length: x\r\n", status: status, to: method)
                == .failure(.invalidContentLength))
        #expect(
            response("Content-Length: 1\r\nContent-Length: 2\r\n", status: status, to: method)
                == .failure(.conflictingContentLength))
    }

    @Test("a CONNECT that succeeds has no body, one that fails may (RFC 9112 §6.3 item 2)")
    func connect() {
        #expect(response("Content-Length: 5\r\n", status: 200, to: .connect) == .success(.none))
        #expect(response("Content-Length: 5\r\n", status: 299, to: .connect) == .success(.none))
        #expect(
            response("Content-Length: 5\r\n", status: 403, to: .connect) == .success(.length(5)))
    }

    @Test("a 205 is framed by its fields like any other response")
    func resetContent() {
        #expect(response("Content-Length: 0\r\n", status: 205) == .success(.none))
        #expect(response("", status: 205) == .success(.untilClose))
    }
}
