import HTTPParser
import Testing

@Suite("Request lines")
struct RequestLineTests {
    @Test("method, target and version are found")
    func plainRequest() {
        let outcome = requestOutcome("GET /a/b?c=d HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        let head = outcome.head
        #expect(head?.method == .get)
        #expect(head?.methodName == "GET")
        #expect(head?.target == "/a/b?c=d")
        #expect(head?.path == "/a/b")
        #expect(head?.query == "c=d")
        #expect(head?.version == .http11)
        #expect(head?.fields == [TextField(name: "Host", value: "shop.example")])
        #expect(outcome.byteCount == 45)
    }

    @Test(
        "methods are recognised by their exact name (RFC 9110 §9.1)",
        arguments: [
            ("GET", RequestMethod.get), ("HEAD", .head), ("POST", .post), ("PUT", .put),
            ("DELETE", .delete), ("OPTIONS", .options), ("PATCH", .patch), ("TRACE", .trace),
            ("get", .other), ("Get", .other), ("GETS", .other), ("GE", .other),
            ("PROPFIND", .other),
            ("M-SEARCH", .other), ("!#$%&'*+-.^_`|~09Az", .other), ("X", .other), ("PUSH", .other),
        ])
    func methods(name: String, method: RequestMethod) {
        let head = requestOutcome("\(name) / HTTP/1.1\r\nHost: a\r\n\r\n").head
        #expect(head?.method == method)
        #expect(head?.methodName == name)
    }

    @Test(
        "a malformed request line is refused (RFC 9112 §3)",
        arguments: [
            (" GET / HTTP/1.1\r\n", ParseError.invalidMethod),
            ("GET  / HTTP/1.1\r\n", .invalidTarget),
            ("GET /  HTTP/1.1\r\n", .invalidVersion),
            ("GET\t/ HTTP/1.1\r\n", .invalidMethod),
            ("GET /\tHTTP/1.1\r\n", .invalidTarget),
            ("GET / HTTP/1.1 \r\n", .invalidVersion),
            ("GET / HTTP/1.1\t\r\n", .invalidVersion),
            ("GET / HTTP/1.1 x\r\n", .invalidVersion),
            ("G(T / HTTP/1.1\r\n", .invalidMethod),
            ("G\u{E9}T / HTTP/1.1\r\n", .invalidMethod),
            ("GET: / HTTP/1.1\r\n", .invalidMethod),
            ("GET\r\n", .invalidMethod),
            ("GET\0/ HTTP/1.1\r\n", .invalidMethod),
        ])
    func malformedLines(line: String, error: ParseError) {
        #expect(requestOutcome(line) == .refused(error))
    }

    @Test(
        "a version that is not HTTP/1.x is refused (RFC 9112 §2.3)",
        arguments: [
            ("HTTP/2.0", ParseError.unsupportedVersion), ("HTTP/3.0", .unsupportedVersion),
            ("HTTP/0.9", .unsupportedVersion), ("HTTP/9.9", .unsupportedVersion),
            ("HTTP/1", .invalidVersion), ("HTTP/1.", .invalidVersion), ("HTTP/2", .invalidVersion),
            ("HTTP/1.10", .invalidVersion), ("HTTP/11.1", .invalidVersion),
            ("HTTP/1,1", .invalidVersion), ("HTTP/1.x", .invalidVersion),
            ("http/1.1", .invalidVersion), ("Http/1.1", .invalidVersion),
            ("HTTPS/1.1", .invalidVersion), ("HTP/1.1", .invalidVersion), ("H", .invalidVersion),
            ("", .invalidVersion), ("XTTP/1.1", .invalidVersion), ("ICY/1.1", .invalidVersion),
        ])
    func versions(version: String, error: ParseError) {
        #expect(requestOutcome("GET / \(version)\r\n") == .refused(error))
    }

    @Test(
        "minor versions beyond 1 are spoken to as HTTP/1.1 (RFC 9110 §2.5)",
        arguments: [
            ("HTTP/1.0", HTTPVersion.http10), ("HTTP/1.1", .http11), ("HTTP/1.2", .http11),
            ("HTTP/1.9", .http11),
        ])
    func minorVersions(text: String, version: HTTPVersion) {
        #expect(
            requestOutcome("GET / \(text)\r\nHost: a\r\n\r\n").head?.version == version)
    }

    @Test("a request line without a version, as HTTP/0.9 had it, is refused")
    func simpleRequest() {
        #expect(requestOutcome("GET /\r\n") == .refused(.invalidVersion))
    }

    @Test("the preface of HTTP/2 is told that its version is not spoken")
    func http2Preface() {
        #expect(
            requestOutcome("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == .refused(.unsupportedVersion))
    }

    @Test(
        "a request line that ends in LF or CR alone is refused (RFC 9112 §2.2)",
        arguments: [
            "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\rHost: a\r\n\r\n",
            "GET /\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
        ])
    func bareLineEnds(message: String) {
        #expect(requestOutcome(message) == .refused(.bareLineEnd))
    }

    @Test("one empty line before the request line is passed over and counted (RFC 9112 §2.2)")
    func leadingEmptyLine() {
        let outcome = requestOutcome("\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(outcome.head?.target == "/x")
        #expect(outcome.byteCount == 30)
    }

    @Test(
        "anything else before the request line is refused",
        arguments: [
            ("\r\n\r\nGET / HTTP/1.1\r\n", ParseError.invalidMethod),
            ("\nGET / HTTP/1.1\r\n", .invalidMethod),
            ("\r\n\nGET / HTTP/1.1\r\n", .invalidMethod),
            ("\rGET / HTTP/1.1\r\n", .bareLineEnd),
            ("\r\r\nGET / HTTP/1.1\r\n", .bareLineEnd),
            ("\u{EF}\u{BB}\u{BF}GET / HTTP/1.1\r\n", .invalidMethod),
        ])
    func otherPrefixes(message: String, error: ParseError) {
        #expect(requestOutcome(message) == .refused(error))
    }

    @Test(
        "the first byte alone is enough to refuse what is not HTTP",
        arguments: ["\u{16}", "\u{80}", "\0", " ", "\n", "{", "\u{FF}", ":"])
    func garbage(first: String) {
        #expect(requestOutcome(first) == .refused(.invalidMethod))
    }
}
