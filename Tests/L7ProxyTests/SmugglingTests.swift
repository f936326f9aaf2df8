import Testing

/// Requests that two parties could read differently (RFC 9112 §11.2). Each is sent raw, with a
/// second request behind it, and judged by what reaches the backend.
@Suite("Request smuggling")
struct SmugglingTests {
    private static let hidden = get("/hidden")

    /// Sends the bytes, and answers the status of the first response, all that the backend saw, and
    /// what came behind the first response.
    private func send(
        _ bytes: String
    ) throws -> (status: Int?, backend: String, rest: String) {
        let backend = try ScriptedBackend { wire, _ in
            while true {
                _ = try wire.read(until: "\r\n\r\n")
                try wire.send(ok())
            }
        }
        let proxy = try ProxyUnderTest(
            to: backend, settings: "timeouts: {requestBody: 1s, clientIdle: 1s}")
        let client = try proxy.connect(sending: bytes)
        let response = try client.readMessage()
        let rest = try client.readToEnd().text
        proxy.stop()
        backend.finish()
        return (response.status, backend.received.joined(separator: "|"), rest)
    }

    /// Refused with this status: the backend has seen nothing, and nothing else was answered.
    private func expectRefusal(_ bytes: String, _ status: Int) throws {
        let outcome = try send(bytes + SmugglingTests.hidden)
        #expect(outcome.status == status)
        #expect(outcome.backend == "")
        #expect(outcome.rest == "")
    }

    private static func framed(_ fields: String..., body: String = "") -> String {
        (["POST / HTTP/1.1", "Host: a"] + fields).joined(separator: "\r\n") + "\r\n\r\n" + body
    }

    @Test(
        "a Content-Length that two parsers could read differently is refused (RFC 9110 §8.6)",
        arguments: [
            "Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5\r\nContent-Length: 5",
            "Content-Length: 5, 5", "Content-Length: 5,6", "Content-Length: +5",
            "Content-Length: -5", "Content-Length: 0x5", "Content-Length: 5 5",
            "Content-Length: 5.0", "Content-Length: 5e0", "Content-Length: ",
            "Content-Length: five", "Content-Length: 5;", "Content-Length: \"5\"",
            "Content-Length: 99999999999999999999", "Content-Length: 18446744073709551621",
            "Content-Length: 9223372036854775808", "Content-Length: \u{0B}5",
            "Content-Length: 0000000000000000000005", "Content-Length: 5\u{A0}",
        ])
    func contentLength(fields: String) throws {
        try expectRefusal(SmugglingTests.framed(fields, body: "hello"), 400)
    }

    @Test(
        "Content-Length beside Transfer-Encoding is refused (RFC 9112 §6.3 item 3)",
        arguments: [
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Content-Length: 0\r\nTransfer-Encoding: chunked",
            "content-length: 5\r\ntransfer-encoding: chunked",
            "Transfer-Encoding: identity\r\nContent-Length: 5",
            "Transfer-Encoding: \r\nContent-Length: 5",
        ])
    func bothFramings(fields: String) throws {
        try expectRefusal(SmugglingTests.framed(fields, body: "0\r\n\r\n"), 400)
    }

    @Test(
        "a transfer coding that is not exactly one chunked is refused (RFC 9112 §6.1)",
        arguments: [
            "Transfer-Encoding: identity", "Transfer-Encoding: gzip",
            "Transfer-Encoding: chunked, gzip", "Transfer-Encoding: trailers",
            "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: chunked;q=1",
            "Transfer-Encoding: chunked,", "Transfer-Encoding: ,chunked",
            "Transfer-Encoding: chunkedx", "Transfer-Encoding: xchunked",
            "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: chunked chunked",
            "Transfer-Encoding:", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        ])
    func transferCoding(fields: String) throws {
        try expectRefusal(SmugglingTests.framed(fields, body: "0\r\n\r\n"), 400)
    }

    @Test(
        "a coding before the final chunked is not implemented (RFC 9112 §6.1)",
        arguments: [
            "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: identity, chunked",
            "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        ])
    func unknownCoding(fields: String) throws {
        try expectRefusal(SmugglingTests.framed(fields, body: "0\r\n\r\n"), 501)
    }

    @Test("HTTP/1.0 has no chunks (RFC 9112 §6.1)")
    func chunkedInHTTP10() throws {
        let request = head("POST / HTTP/1.0", "Host: a", "Transfer-Encoding: chunked")
        try expectRefusal(request + "0\r\n\r\n", 400)
    }

    @Test(
        "a field line that two parsers could read differently is refused (RFC 9112 §5)",
        arguments: [
            "Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked", " X: y", "\tX: y",
            "X: y\r\n folded", "X: y\r\n\tTransfer-Encoding: chunked", "X", ": y", "X Y: z",
            "X\u{0}: y", "X: a\u{0}b", "X: a\rb", "X: a\nY: b", "X: a\nTransfer-Encoding: chunked",
            "X: a\r\r\nY: b", "X: a\u{0B}b", "X: a\u{7F}b", "X\u{7F}: y", "\u{E9}: y", "X(: y",
            "\"X\": y", "X@: y", "\rX: y", "X: y\n\r\nZ: a",
        ])
    func fieldLine(line: String) throws {
        try expectRefusal("GET / HTTP/1.1\r\nHost: a\r\n\(line)\r\n\r\n", 400)
    }

    @Test(
        "a request line that two parsers could read differently is refused (RFC 9112 §3)",
        arguments: [
            "GET  / HTTP/1.1", "GET /  HTTP/1.1", " GET / HTTP/1.1", "GET\t/ HTTP/1.1",
            "GET /\tHTTP/1.1", "GET / HTTP/1.1 ", "GET / HTTP/1.1\r", "GET /", "GET / http/1.1",
            "GET / HTTP/1.1x", "GET / HTTP/1", "GET / HTTP/01.1", "GET / HTTP/1.10",
            "GET / HTTP/ 1.1", "G\u{0}T / HTTP/1.1", "GET /\u{0} HTTP/1.1", "GET /a b HTTP/1.1",
            "GET / FTP/1.1", "GET a HTTP/1.1", "GET * HTTP/1.1", "GET /#x HTTP/1.1",
            "GET /\u{E9} HTTP/1.1", "GET /\u{7F} HTTP/1.1", "(GET) / HTTP/1.1",
            "GET ftp://a/ HTTP/1.1", "GET http:///x HTTP/1.1", "GET http://u@a/ HTTP/1.1",
            "GET //HTTP/1.1",
        ])
    func requestLine(line: String) throws {
        try expectRefusal("\(line)\r\nHost: a\r\n\r\n", 400)
    }

    @Test(
        "a line that ends in LF alone is refused (RFC 9112 §2.2)",
        arguments: [
            "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\nHost: a\r\n\r\n",
        ])
    func lineEnds(request: String) throws {
        try expectRefusal(request, 400)
    }

    @Test(
        "a Host that names none or several is refused (RFC 9112 §3.2)",
        arguments: [
            "X: y", "Host: a\r\nHost: b", "Host: a\r\nHost: a", "Host: a, b", "Host: a b",
            "Host: a/b", "Host: user@a", "Host: a:b", "Host: a:99999", "Host: [::1", "Host: a?",
            "Host: a#", "Host: a\\b", "Host: ::1", "Host: a%", "Host: a:1:2", "Host: \u{E9}",
        ])
    func host(field: String) throws {
        try expectRefusal("GET / HTTP/1.1\r\n\(field)\r\n\r\n", 400)
    }

    @Test(
        "a Host that contradicts the target is refused (RFC 9112 §3.2.2)",
        arguments: [
            ("http://a/", "b"), ("http://a:81/", "a"), ("http://a/", "a:81"),
            ("https://a/", "a:80"),
            ("http://a/", ""),
        ])
    func hostMismatch(target: String, host: String) throws {
        try expectRefusal("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n", 400)
    }

    @Test(
        "a chunk that two parsers could read differently ends the request (RFC 9112 §7.1)",
        arguments: [
            "5\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello0\r\n\r\n",
            "5 \r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n",
            "-5\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n",
            ";x\r\nhello\r\n0\r\n\r\n", "5,5\r\nhello\r\n0\r\n\r\n", "g\r\nhello\r\n0\r\n\r\n",
            "00000000000000005\r\nhello\r\n0\r\n\r\n", "5;a\nb\r\nhello\r\n0\r\n\r\n",
            "5;a\rb\r\nhello\r\n0\r\n\r\n", "5;a\u{0}\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\n", "5\r\nhello\r\n0\n\r\n", "5\r\nhello\r\n0\r\nX : y\r\n\r\n",
            "5\r\nhello\r\n0\r\nX: y\n\r\n", "5\r\nhello\r\n0\r\n X: y\r\n\r\n",
            "5\r\nhellohello\r\n0\r\n\r\n", "5;a=\"b\r\nhello\r\n0\r\n\r\n",
            "5;a=\"\r\n0\r\n\r\n\"\r\nhello\r\n0\r\n\r\n", "5\t\r\nhello\r\n0\r\n\r\n",
        ])
    func chunk(body: String) throws {
        let outcome = try send(
            SmugglingTests.framed("Transfer-Encoding: chunked", body: body) + SmugglingTests.hidden)
        #expect(outcome.status == 400)
        #expect(outcome.rest == "")
        #expect(!outcome.backend.contains("hidden"))
        #expect(!outcome.backend.contains("0\r\n\r\n"))
    }

    @Test(
        "chunk sizes that overflow are refused (RFC 9112 §7.1)",
        arguments: [
            "8000000000000000", "FFFFFFFFFFFFFFFF", "7FFFFFFFFFFFFFFFF",
        ])
    func hugeChunk(size: String) throws {
        let outcome = try send(
            SmugglingTests.framed("Transfer-Encoding: chunked", body: "\(size)\r\nhello"))
        #expect(outcome.status == 413 || outcome.status == 400)
        #expect(!outcome.backend.contains("hello"))
    }

    @Test("chunk extensions have a bound", arguments: [(256, 200), (257, 400)])
    func chunkExtension(count: Int, expected: Int) throws {
        let chunkExtension = String(repeating: "x", count: count)
        let outcome = try send(
            SmugglingTests.framed(
                "Transfer-Encoding: chunked", body: "0;\(chunkExtension)\r\n\r\n"))
        #expect(outcome.status == expected)
    }

    @Test("trailers have a bound (RFC 9110 §6.5.1)")
    func trailers() throws {
        let trailer = "X: " + String(repeating: "x", count: 9000) + "\r\n"
        let outcome = try send(
            SmugglingTests.framed("Transfer-Encoding: chunked", body: "0\r\n\(trailer)\r\n"))
        #expect(outcome.status == 431)
    }

    @Test(
        "case and white space around a good value change nothing",
        arguments: [
            "TRANSFER-ENCODING: CHUNKED", "transfer-encoding:chunked",
            "Transfer-Encoding: \t chunked  ",
        ])
    func goodForms(field: String) throws {
        let backend = try ScriptedBackend()
        let client = try ProxyUnderTest(to: backend).connect(
            sending: SmugglingTests.framed(field, body: "5\r\nhello\r\n0\r\n\r\n") + get("/next"))
        for _ in 0..<2 { #expect(try client.readMessage().status == 200) }
        #expect(backend.requests[0].all("Transfer-Encoding") == ["chunked"])
        #expect(backend.requests.map(\.bodyText) == ["hello", ""])
    }

    @Test("bytes behind a body are the next request and nothing else")
    func bodyThenGarbage() throws {
        let outcome = try send(post("hello") + "garbage\r\n\r\n")
        #expect(outcome.status == 200)
        #expect(outcome.rest.hasPrefix("HTTP/1.1 400 "))
        #expect(!outcome.backend.contains("garbage"))
    }

    @Test(
        "a response that two parsers could read differently is a 502 (RFC 9112 §6.3)",
        arguments: [
            head("HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 6") + "hello",
            head("HTTP/1.1 200 OK", "Content-Length: 5", "Transfer-Encoding: chunked") + "hello",
            head("HTTP/1.1 200 OK", "Content-Length: 5, 5") + "hello",
            head("HTTP/1.1 200 OK", "Content-Length: +5") + "hello",
            head("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked") + "0\r\n\r\n",
            head("HTTP/1.0 200 OK", "Transfer-Encoding: chunked") + "0\r\n\r\n",
            head("HTTP/1.1 200 OK", "Content-Length : 5") + "hello",
            head("HTTP/1.1 200 OK", "X: a\rSet-Cookie: b=c", "Content-Length: 5") + "hello",
            head("HTTP/1.1 200 OK", "X: a\nSet-Cookie: b=c", "Content-Length: 5") + "hello",
            head("HTTP/1.1 200 OK", "X: a\u{0}b", "Content-Length: 5") + "hello",
            head("HTTP/1.1 200 OK", " X: folded", "Content-Length: 5") + "hello",
            "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", head("HTTP/1.1 2000 OK"),
            head("HTTP/1.1 20 OK"), head("HTTP/1.1 999 OK"), head("HTTP/2.0 200 OK"),
            head("ICY 200 OK"), "hello\r\n\r\n", head("HTTP/1.1  200 OK"),
        ])
    func response(response: String) throws {
        let backend = try ScriptedBackend(ScriptedBackend.answering(response))
        let answer = try ProxyUnderTest(to: backend).exchange(get())
        #expect(answer.status == 502)
        #expect(answer["Set-Cookie"] == nil)
    }
}
