import Testing

/// What is unusual and still means one thing: it passes, and what reaches the other side is plain.
/// Each message is followed by another one, which has to be seen as what it is.
@Suite("Unusual forms of good messages")
struct UnusualFormsTests {
    /// Sends one request and another one behind it; what the backend saw of both.
    private func forwarded(_ request: String) throws -> [Message] {
        let backend = try ScriptedBackend()
        let client = try ProxyUnderTest(to: backend).connect(sending: request + get("/next"))
        for _ in 0..<2 { #expect(try client.readMessage().status == 200) }
        let requests = backend.requests
        try #require(requests.count == 2)
        #expect(requests[1].startLine == "GET /next HTTP/1.1" && requests[1].body == [])
        return requests
    }

    @Test(
        "a request line may look like this (RFC 9112 §3)",
        arguments: [
            ("get / HTTP/1.1", "get / HTTP/1.1"), ("M-SEARCH / HTTP/1.1", "M-SEARCH / HTTP/1.1"),
            ("!#$%&'*+-.^_`|~ / HTTP/1.1", "!#$%&'*+-.^_`|~ / HTTP/1.1"),
            ("GET / HTTP/1.2", "GET / HTTP/1.1"), ("GET / HTTP/1.9", "GET / HTTP/1.1"),
            ("GET /? HTTP/1.1", "GET /? HTTP/1.1"), ("GET /?? HTTP/1.1", "GET /?? HTTP/1.1"),
            ("GET /a;b=c HTTP/1.1", "GET /a;b=c HTTP/1.1"),
            ("GET /a?%zz&%00&% HTTP/1.1", "GET /a?%zz&%00&% HTTP/1.1"),
            ("GET /{a}|^`\"<> HTTP/1.1", "GET /{a}|^`\"<> HTTP/1.1"),
            ("GET /http://b/c HTTP/1.1", "GET /http://b/c HTTP/1.1"),
            ("GET /a:b@c HTTP/1.1", "GET /a:b@c HTTP/1.1"),
            ("GET http://a:80/b HTTP/1.1", "GET /b HTTP/1.1"),
            ("GET HTTP://A/b HTTP/1.1", "GET /b HTTP/1.1"),
            ("GET https://a:80/ HTTP/1.1", "GET / HTTP/1.1"),
            ("GET http://a/* HTTP/1.1", "GET /* HTTP/1.1"),
            ("\r\nGET /b HTTP/1.1", "GET /b HTTP/1.1"),
        ])
    func requestLines(line: String, expected: String) throws {
        let host = line.contains("https:") ? "a:80" : "a"
        let seen = try forwarded(head(line, "Host: \(host)"))
        #expect(seen[0].startLine == expected)
        #expect(seen[0].all("Host").count == 1)
    }

    @Test(
        "Host may look like this, and goes on as it came (RFC 9110 §7.2)",
        arguments: [
            "a", "A.Example", "a.", "a_b", "-a", "a:80", "a:", "a:65535", "127.0.0.1", "[::1]",
            "[::1]:8080", "[::ffff:1.2.3.4]", "xn--e1afmkfd", "a%41", "a!$&'()*+;=b", "",
        ])
    func hosts(host: String) throws {
        #expect(try forwarded(head("GET / HTTP/1.1", "Host:\t\(host) "))[0].all("Host") == [host])
    }

    @Test(
        "Content-Length may look like this (RFC 9110 §8.6)",
        arguments: [
            "Content-Length:5", "Content-Length:   5", "CONTENT-LENGTH: 5",
            "content-length: 005",
        ])
    func lengths(field: String) throws {
        let seen = try forwarded(head("POST / HTTP/1.1", "Host: a", field) + "hello")
        #expect(seen[0].all("Content-Length").count == 1)
        #expect(seen[0].bodyText.hasPrefix("hello"))
    }

    @Test(
        "methods that seldom have a body may have one (RFC 9110 §9.3)",
        arguments: ["GET", "DELETE", "OPTIONS", "PATCH", "BREW"], [true, false])
    func bodies(method: String, isChunked: Bool) throws {
        let field = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 5"
        let body = isChunked ? "5\r\nhello\r\n0\r\n\r\n" : "hello"
        let seen = try forwarded(head("\(method) / HTTP/1.1", "Host: a", field) + body)
        #expect(seen[0].startLine == "\(method) / HTTP/1.1" && seen[0].bodyText == "hello")
    }

    @Test(
        "chunks may look like this, and leave as ours (RFC 9112 §7.1)",
        arguments: [
            "5\r\nhello\r\n0\r\n\r\n", "05\r\nhello\r\n00\r\n\r\n",
            "0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n",
            "5;a=b\r\nhello\r\n0;c\r\n\r\n", "5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n",
            "5 ;a\r\nhello\r\n0\r\n\r\n", "5\t; a = b\r\nhello\r\n0\r\n\r\n",
            "5;a=\"\\\"\"\r\nhello\r\n0\r\n\r\n",
        ])
    func chunks(body: String) throws {
        let request = head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked") + body
        #expect(try forwarded(request)[0].rawBody == Array("5\r\nhello\r\n0\r\n\r\n".utf8))
    }

    @Test(
        "a field line may look like this, and goes on as it came (RFC 9112 §5)",
        arguments: [
            "X:", "X:y", "X:\ty\t", "X: ", "!#$%&'*+-.^_`|~0aZ: z", "X: a:b, \"c\"", "X: \u{E9}",
            "X: a\tb", "X_Y: z",
        ])
    func fields(line: String) throws {
        #expect(try forwarded(head("GET / HTTP/1.1", "Host: a", line))[0].lines.contains(line))
    }

    @Test(
        "Connection may look like this (RFC 9110 §7.6.1)",
        arguments: [
            "Connection:", "Connection: ,", "Connection: , keep-alive ,", "Connection: \"close\"",
            "Connection: close;x", "Connection: closed", "Proxy-Connection: close",
        ])
    func options(line: String) throws {
        let seen = try forwarded(head("GET / HTTP/1.1", "Host: a", line, "X: y"))
        #expect(seen[0].all("Connection") + seen[0].all("Proxy-Connection") == [])
        #expect(seen[0]["X"] == "y")
    }

    @Test(
        "a status line may look like this (RFC 9112 §4)",
        arguments: [
            ("HTTP/1.1 200", "HTTP/1.1 200 "), ("HTTP/1.1 200 ", "HTTP/1.1 200 "),
            ("HTTP/1.2 200 OK", "HTTP/1.1 200 OK"), ("HTTP/1.0 200 OK", "HTTP/1.1 200 OK"),
            ("HTTP/1.1 599 x", "HTTP/1.1 599 x"), ("HTTP/1.1 200 a\tb", "HTTP/1.1 200 a\tb"),
            ("HTTP/1.1 299  a ", "HTTP/1.1 299  a "),
        ])
    func statusLines(line: String, expected: String) throws {
        let backend = try ScriptedBackend(
            ScriptedBackend.answering(head(line, "Content-Length: 5") + "hello"))
        let answer = try ProxyUnderTest(to: backend).exchange(get())
        #expect(answer.startLine == expected && answer.bodyText == "hello")
    }

    @Test(
        "a 1xx that comes with a body is no interim response, and its body nobody's answer",
        arguments: [
            head("HTTP/1.1 100 Continue", "Content-Length: 5") + "hello",
            head("HTTP/1.1 103 Early Hints", "Transfer-Encoding: chunked") + "0\r\n\r\n",
            head("HTTP/1.1 199 X", "Content-Length: 5") + "HTTP/",
        ])
    func interimBodies(interim: String) throws {
        let backend = try ScriptedBackend(ScriptedBackend.answering(interim + ok()))
        let client = try ProxyUnderTest(to: backend).connect(
            sending: get("/", "Connection: close"))
        let text = try client.readToEnd().text
        #expect(text.contains("HTTP/1.1 502 "))
        #expect(!text.contains("HTTP/1.1 200"))
    }
}
