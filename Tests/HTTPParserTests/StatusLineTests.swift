import HTTPParser
import Testing

@Suite("Status lines and response heads")
struct StatusLineTests {
    @Test("version, status, reason and fields are found")
    func plainResponse() {
        let outcome = responseOutcome("HTTP/1.1 404 Not Found\r\nA: b\r\nC: d\r\n\r\nbody")
        let head = outcome.head
        #expect(head?.version == .http11)
        #expect(head?.status == 404)
        #expect(head?.reason == "Not Found")
        #expect(head?.fields.map(\.description) == ["A: b", "C: d"])
        #expect(outcome.byteCount == 38)
    }

    @Test(
        "the reason may be anything visible, empty, or missing with its space (RFC 9112 §4)",
        arguments: [
            ("HTTP/1.1 200 OK", "OK"), ("HTTP/1.1 200 ", ""), ("HTTP/1.1 200", ""),
            ("HTTP/1.1 200  ", " "), ("HTTP/1.1 200 a\tb", "a\tb"),
            ("HTTP/1.1 200 D\u{E9}j\u{E0} vu", "D\u{E9}j\u{E0} vu"),
            ("HTTP/1.1 200 A reason longer than sixteen", "A reason longer than sixteen"),
        ])
    func reasons(line: String, reason: String) {
        let head = responseOutcome(line + "\r\n\r\n").head
        #expect(head?.status == 200)
        #expect(head?.reason == reason)
    }

    @Test("every status from 100 to 599 is taken and no other")
    func statuses() {
        for status in 0...999 {
            let digits = String(repeating: "0", count: 3 - String(status).count) + String(status)
            let outcome = responseOutcome("HTTP/1.1 \(digits) X\r\n\r\n")
            if (100...599).contains(status) {
                #expect(outcome.head?.status == UInt16(status))
            } else {
                #expect(outcome == .refused(.invalidStatusLine))
            }
        }
    }

    @Test(
        "a malformed status line is refused",
        arguments: [
            "HTTP/1.1\r\n", "HTTP/1.1 \r\n", "HTTP/1.1  200 OK\r\n", "HTTP/1.1\t200 OK\r\n",
            "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000 OK\r\n", "HTTP/1.1 200OK\r\n",
            "HTTP/1.1 +20 OK\r\n", "HTTP/1.1 2x0 OK\r\n", "HTTP/1.1 200\tOK\r\n",
            "HTTP/1.1 -100 OK\r\n", " HTTP/1.1 200 OK\r\n", "\r\nHTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 O\0K\r\n", "HTTP/1.1 200 O\u{7F}K\r\n", "http/1.1 200 OK\r\n",
            "ICY 200 OK\r\n", "HTTP/1.x 200 OK\r\n", "<html>\r\n", "GET / HTTP/1.1\r\n", "\r\n",
            "HTTP/1.11 200 OK\r\n",
        ])
    func malformed(line: String) {
        #expect(responseOutcome(line + "\r\n") == .refused(.invalidStatusLine))
    }

    @Test("the first byte alone is enough to refuse what is not HTTP")
    func garbage() {
        #expect(responseOutcome("\u{15}") == .refused(.invalidStatusLine))
        #expect(responseOutcome("h") == .refused(.invalidStatusLine))
        #expect(responseOutcome("H") == .needMore)
    }

    @Test(
        "versions are read as in requests",
        arguments: [
            ("HTTP/1.0", HTTPVersion.http10), ("HTTP/1.1", .http11), ("HTTP/1.7", .http11),
        ])
    func versions(text: String, version: HTTPVersion) {
        #expect(responseOutcome("\(text) 200 OK\r\n\r\n").head?.version == version)
    }

    @Test("another major version is refused", arguments: ["HTTP/2.0", "HTTP/0.9", "HTTP/3.1"])
    func otherVersions(version: String) {
        #expect(
            responseOutcome("\(version) 200 OK\r\n\r\n") == .refused(.unsupportedVersion))
    }

    @Test(
        "the rules for fields are those for requests",
        arguments: [
            ("A : b\r\n", ParseError.whitespaceBeforeColon), (" A: b\r\n", .foldedLine),
            ("A: b\r\n folded\r\n", .foldedLine), ("A\r\n", .invalidFieldName),
            ("A: b\n", .bareLineEnd), ("A: b\rC: d\r\n", .bareLineEnd),
            ("A: b\r\n\n", .bareLineEnd),
            ("A: \0\r\n", .invalidFieldValue), (": b\r\n", .invalidFieldName),
        ])
    func fieldRules(lines: String, error: ParseError) {
        #expect(
            responseOutcome("HTTP/1.1 200 OK\r\n" + lines + "\r\n") == .refused(error))
    }

    @Test(
        "a status line that ends in LF or CR alone is refused (RFC 9112 §2.2)",
        arguments: ["HTTP/1.1 200 OK\n\n", "HTTP/1.1 200\n\n", "HTTP/1.1 200 OK\rX: y\r\n\r\n"])
    func bareLineEnds(message: String) {
        #expect(responseOutcome(message) == .refused(.bareLineEnd))
    }

    @Test(
        "a 1xx is interim unless it switches protocols (RFC 9110 §15.2)",
        arguments: [
            (100, true), (101, false), (102, true), (103, true), (199, true), (200, false),
        ] as [(UInt16, Bool)])
    func interim(status: UInt16, isInterim: Bool) {
        var head = ResponseHead()
        head.status = status
        #expect(head.isInterim == isInterim)
    }
}
