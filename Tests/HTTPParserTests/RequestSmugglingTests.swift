import HTTPParser
import Testing

/// Ways that have been used to make two readers see different messages in the same bytes. Each has
/// to be refused, by the head or by its framing.
@Suite("Request smuggling")
struct RequestSmugglingTests {
    private func refusal(_ message: String) -> ParseError? {
        let bytes = latin1(message)
        var head = RequestHead()
        var scannedCount = 0
        do throws(ParseError) {
            _ = try RequestParser(limits: ParserLimits())
                .parse(bytes.span, scannedCount: &scannedCount, into: &head)
            _ = try MessageFraming.ofRequest(head, in: bytes.span)
            return nil
        } catch {
            return error
        }
    }

    private func refusal(ofFields lines: String) -> ParseError? {
        refusal("POST / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n")
    }

    @Test(
        "Content-Length and Transfer-Encoding together (RFC 9112 §6.3 item 3)",
        arguments: [
            "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
            "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 6\r\nTransfer-Encoding: identity\r\n",
            "Content-Length: 6\r\nTransfer-Encoding:\r\n",
            "Content-Length: x\r\nTransfer-Encoding: chunked\r\n",
            "content-length: 6\r\nX: y\r\ntransfer-encoding: chunked\r\n",
        ])
    func bothFields(lines: String) {
        #expect(refusal(ofFields: lines) == .contentLengthWithTransferEncoding)
        let old = "POST / HTTP/1.0\r\n\(lines)\r\n"
        #expect(refusal(old) == .contentLengthWithTransferEncoding)
    }

    @Test(
        "a transfer coding that one reader knows and another does not (RFC 9112 §6.3 item 4)",
        arguments: [
            "identity", "gzip", "chunked, gzip", "chunked, chunked", "xchunked",
            "chunkedx", "", "chunked,", ",chunked", "chunked;a=b", "chunked ;", "\"chunked\"",
            "'chunked'", "chunk", "chunked, identity", "c\u{68}unked\u{80}", "chunked,gzip,chunked",
            "cow", "chun ked", "chunked\tx", "\u{A0}chunked", "[chunked]", ",", "gzip, chunked;a",
        ])
    func codings(value: String) {
        #expect(refusal(ofFields: "Transfer-Encoding: \(value)\r\n") == .invalidTransferEncoding)
    }

    @Test(
        "a coding before the final chunked that nobody here knows (RFC 9112 §6.1)",
        arguments: ["gzip, chunked", "identity, chunked", "a,b , CHUNKED", "gzip;q=1, chunked,"])
    func unknownCodings(value: String) {
        #expect(
            refusal(ofFields: "Transfer-Encoding: \(value)\r\n") == .unsupportedTransferEncoding)
    }

    @Test("Transfer-Encoding in two fields (RFC 9112 §6.1)")
    func repeatedCoding() {
        for (first, second, error) in [
            ("chunked", "chunked", ParseError.invalidTransferEncoding),
            ("chunked", "identity", .invalidTransferEncoding),
            ("chunked", "", .invalidTransferEncoding),
            ("gzip", "chunked", .unsupportedTransferEncoding),
        ] {
            let lines = "Transfer-Encoding: \(first)\r\nTransfer-Encoding: \(second)\r\n"
            #expect(refusal(ofFields: lines) == error)
        }
    }

    @Test(
        "a framing field whose line is hidden from one of two readers",
        arguments: [
            ("Transfer-Encoding : chunked\r\n", ParseError.whitespaceBeforeColon),
            ("Transfer-Encoding\t: chunked\r\n", .whitespaceBeforeColon),
            (" Transfer-Encoding: chunked\r\n", .foldedLine),
            ("\tTransfer-Encoding: chunked\r\n", .foldedLine),
            ("X: y\r\n Transfer-Encoding: chunked\r\n", .foldedLine),
            ("Transfer-Encoding:\r\n chunked\r\n", .foldedLine),
            ("Transfer-Encoding: chunked\r\n , identity\r\n", .foldedLine),
            ("X: y\nTransfer-Encoding: chunked\r\n", .bareLineEnd),
            ("X: y\rTransfer-Encoding: chunked\r\n", .bareLineEnd),
            ("X: y\r\n\nTransfer-Encoding: chunked\r\n", .bareLineEnd),
            ("X: y\r\n\rTransfer-Encoding: chunked\r\n", .bareLineEnd),
            ("Transfer-Encoding: chunked\n", .bareLineEnd),
            ("Transfer-Encoding: \u{B}chunked\r\n", .invalidFieldValue),
            ("Transfer-Encoding: \u{C}chunked\r\n", .invalidFieldValue),
            ("Transfer-Encoding: \0chunked\r\n", .invalidFieldValue),
            ("Transfer-Encoding: chunked\u{7F}\r\n", .invalidFieldValue),
            ("\0Transfer-Encoding: chunked\r\n", .invalidFieldName),
            ("Transfer-Encoding\0: chunked\r\n", .invalidFieldName),
            ("Transfer-Encoding\u{B}: chunked\r\n", .invalidFieldName),
            ("Transfer Encoding: chunked\r\n", .whitespaceBeforeColon),
            ("Transfer-Encoding; chunked\r\n", .invalidFieldName),
            ("Transfer-Encoding chunked\r\n", .whitespaceBeforeColon),
            ("Transfer-Encoding\r\n : chunked\r\n", .invalidFieldName),
            ("Content-Length : 5\r\n", .whitespaceBeforeColon),
            ("Content-Length: 5\rX\r\n", .bareLineEnd),
            ("Content\r-Length: 5\r\n", .invalidFieldName),
        ])
    func hiddenLines(lines: String, error: ParseError) {
        #expect(refusal(ofFields: lines) == error)
    }

    @Test("a name that only looks like Transfer-Encoding is another field")
    func lookalikes() {
        for name in [
            "Transfer_Encoding", "Transfer-Encodin", "X-Transfer-Encoding", "Transfer.Encoding",
        ] {
            #expect(refusal(ofFields: "\(name): chunked\r\nContent-Length: 0\r\n") == nil)
        }
    }

    @Test(
        "lengths that are read in two ways (RFC 9110 §8.6)",
        arguments: [
            ("Content-Length: 5\r\nContent-Length: 5\r\n", ParseError.conflictingContentLength),
            ("Content-Length: 5\r\nContent-Length: 0\r\n", .conflictingContentLength),
            ("Content-Length: 0\r\nContent-Length: 5\r\n", .conflictingContentLength),
            ("Content-Length: 5, 5\r\n", .invalidContentLength),
            ("Content-Length: 5,\r\n", .invalidContentLength),
            ("Content-Length: +5\r\n", .invalidContentLength),
            ("Content-Length: 0x5\r\n", .invalidContentLength),
            ("Content-Length: 5 6\r\n", .invalidContentLength),
            ("Content-Length: \r\n", .invalidContentLength),
            ("Content-Length: 18446744073709551621\r\n", .invalidContentLength),
            ("Content-Length: -5\r\n", .invalidContentLength),
        ])
    func lengths(lines: String, error: ParseError) {
        #expect(refusal(ofFields: lines) == error)
    }

    @Test("chunked in HTTP/1.0, which some readers take for a body until close (RFC 9112 §6.1)")
    func oldVersion() {
        let message = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(refusal(message) == .transferEncodingInHTTP10)
    }

    @Test(
        "a target or a Host that routes differently (RFC 9112 §3.2)",
        arguments: [
            ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", ParseError.hostMismatch),
            ("GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n", .invalidTarget),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", .repeatedHost),
            ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", .invalidHost),
            ("GET / HTTP/1.1\r\nHost: a:80@b\r\n\r\n", .invalidHost),
            ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .invalidHost),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .whitespaceBeforeColon),
            ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .foldedLine),
            ("GET /a HTTP/1.1\r\n\r\nHost: a\r\n\r\n", .missingHost),
            ("GET /\rX: y HTTP/1.1\r\nHost: a\r\n\r\n", .invalidVersion),
            ("GET / HTTP/1.1 X: y\r\nHost: a\r\n\r\n", .invalidVersion),
            ("GET / a HTTP/1.1\r\nHost: a\r\n\r\n", .invalidVersion),
        ])
    func routing(message: String, error: ParseError) {
        #expect(refusal(message) == error)
    }
}
