import Testing

/// What comes behind the last chunk (RFC 9110 §6.5).
@Suite("Forwarding of trailers")
struct TrailerForwardingTests {
    private static let chunked = head(
        "POST / HTTP/1.1", "Host: a", "Trailer: X-Sum", "Transfer-Encoding: chunked")
    private static let response = head(
        "HTTP/1.1 200 OK", "Trailer: X-Sum", "Transfer-Encoding: chunked")

    /// The last chunk and what follows it, as it reached the other side.
    private func end(of message: Message) -> String {
        let text = String(decoding: message.rawBody, as: UTF8.self)
        return String(text.drop { $0 != "0" })
    }

    @Test("trailers of a request go to the backend, announced and in order (RFC 9110 §6.5.1)")
    func request() throws {
        let backend = try ScriptedBackend()
        let body = "1\r\nx\r\n0\r\nX-Sum: 1\r\nContent-Digest: d\r\n\r\n"
        _ = try ProxyUnderTest(to: backend).exchange(Self.chunked + body)
        #expect(backend.requests[0]["Trailer"] == "X-Sum")
        #expect(end(of: backend.requests[0]) == "0\r\nX-Sum: 1\r\nContent-Digest: d\r\n\r\n")
    }

    @Test("trailers arrive whole however they are cut")
    func byteByByte() throws {
        let backend = try ScriptedBackend()
        let client = try ProxyUnderTest(to: backend).connect()
        for byte in (Self.chunked + "0\r\nX-Sum: 1\r\nY: 2\r\n\r\n").utf8 {
            try client.send([byte])
        }
        #expect(try client.readMessage().status == 200)
        #expect(end(of: backend.requests[0]) == "0\r\nX-Sum: 1\r\nY: 2\r\n\r\n")
    }

    @Test(
        "a trailer that frames, routes, authenticates or modifies ends here (RFC 9110 §6.5.1)",
        arguments: [
            "Content-Length: 5", "Transfer-Encoding: chunked", "Host: evil", "Connection: close",
            "Authorization: x", "Cookie: a=b", "Set-Cookie: a=b", "X-Forwarded-For: 1.2.3.4",
            "X-Forwarded-Prefix: /", "X-Real-IP: 1.2.3.4", "Forwarded: for=1.2.3.4",
            "Content-Type: text/html", "Content-Encoding: gzip", "Cache-Control: no-store",
            "Proxy-Authorization: x", "TE: trailers", "Trailer: X", "Upgrade: h2c", "Date: x",
            "If-Match: x", "Range: bytes=0-1", "Sec-Fetch-Site: x", "AUTHORIZATION: x",
            "Access-Control-Allow-Origin: *", "Location: /", "Keep-Alive: x", "Expect: x",
            "Content_Length: 5", "X_Forwarded_For: 1.2.3.4", "X_REAL_IP: 1.2.3.4",
            "X-HTTP-Method: DELETE", "Accept-Encoding: gzip", "X-Original-URL: /admin",
        ])
    func refused(line: String) throws {
        let backend = try ScriptedBackend()
        let body = "0\r\nX-A: 1\r\n\(line)\r\nX-B: 2\r\n\r\n"
        _ = try ProxyUnderTest(to: backend).exchange(Self.chunked + body)
        #expect(end(of: backend.requests[0]) == "0\r\nX-A: 1\r\nX-B: 2\r\n\r\n")
    }

    @Test("where Connection nominates fields, no trailer is passed (RFC 9110 §7.6.1)")
    func nominated() throws {
        let backend = try ScriptedBackend()
        let request = head(
            "POST / HTTP/1.1", "Host: a", "Connection: X-Sum", "Transfer-Encoding: chunked")
        _ = try ProxyUnderTest(to: backend).exchange(request + "0\r\nX-Sum: 1\r\n\r\n")
        #expect(end(of: backend.requests[0]) == "0\r\n\r\n")
    }

    @Test(
        "trailers of a response go to a client that takes them (RFC 9110 §10.1.4)",
        arguments: [
            ("TE: trailers|Connection: TE", true), ("TE: gzip, Trailers|Connection: te, x-y", true),
            ("TE: trailers|X: y", false), ("TE: gzip|Connection: TE", false), ("X: y|X: y", false),
        ])
    func response(fields: String, takes: Bool) throws {
        let body = "1\r\nx\r\n0\r\nX-Sum: 1\r\nSet-Cookie: a=b\r\n\r\n"
        let backend = try ScriptedBackend(ScriptedBackend.answering(Self.response + body))
        let lines = fields.split(separator: "|").map(String.init)
        let answer = try ProxyUnderTest(to: backend).exchange(get("/", lines[0], lines[1]))
        #expect(answer["Trailer"] == (takes ? "X-Sum" : nil))
        #expect(end(of: answer) == (takes ? "0\r\nX-Sum: 1\r\n\r\n" : "0\r\n\r\n"))
        #expect(backend.requests[0]["TE"] == (takes ? "trailers" : nil))
        #expect(backend.requests[0]["Connection"] == (takes ? "TE" : nil))
    }

    @Test("HTTP/1.0 has no trailers (RFC 9112 §7.1.2)")
    func http10() throws {
        let backend = try ScriptedBackend(
            ScriptedBackend.answering(Self.response + "1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n"))
        let request = head("GET / HTTP/1.0", "Host: a", "TE: trailers", "Connection: TE")
        let client = try ProxyUnderTest(to: backend).connect(sending: request)
        #expect(try client.readToEnd().text.hasSuffix("\r\n\r\nx"))
    }
}
