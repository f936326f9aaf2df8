import Testing

/// What of a head reaches the other side (RFC 9110 §7.6).
@Suite("Forwarding of heads")
struct ForwardingTests {
    /// The head that reached the backend for this request.
    private func forwarded(_ request: String, settings: String = "") throws -> Message {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend, settings: settings)
        #expect(try proxy.exchange(request).status == 200)
        return try #require(backend.requests.first)
    }

    /// The head that reached the client for this response to a GET.
    private func answered(_ response: String, _ rule: BodyRule = .byFields) throws -> Message {
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            try wire.send(response)
        }
        return try ProxyUnderTest(to: backend).exchange(get(), rule)
    }

    private static let trusted = "clientIP: {from: x-forwarded-for, trusted: [127.0.0.0/8]}"

    @Test("a request arrives with its own fields in their order and case, and ours behind them")
    func wholeRequest() throws {
        let request = try forwarded(
            head(
                "GET /a/b?c=%20d&e HTTP/1.1", "hOsT: Test.Example:8080", "Accept: */*",
                "X-Twice: 1", "x-odd-CASE:   spaces  ", "X-Twice: 2", "Cookie: a=b; c=d",
                "X-Empty:"))
        let own = [
            "GET /a/b?c=%20d&e HTTP/1.1", "Host: Test.Example:8080", "Accept: */*",
            "X-Twice: 1", "x-odd-CASE:   spaces  ", "X-Twice: 2", "Cookie: a=b; c=d", "X-Empty:",
            "X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "X-Forwarded-Proto: http",
            "X-Forwarded-Scheme: http", "X-Scheme: http", "X-Forwarded-Host: Test.Example:8080",
        ]
        #expect(Array(request.lines.prefix(own.count)) == own)
        let names = ["X-Forwarded-Port", "X-Request-ID"]
        #expect(Array(request.names.dropFirst(own.count - 1)) == names)
    }

    @Test("a response arrives with its fields in their order and case")
    func wholeResponse() throws {
        let response = try answered(
            head(
                "HTTP/1.1 404 Nothing  here", "content-LENGTH: 0", "Set-Cookie: a=1",
                "Server: test", "Set-Cookie: b=2", "Date: Sun, 06 Nov 1994 08:49:37 GMT",
                "X-Last:  value "))
        #expect(
            response.lines == [
                "HTTP/1.1 404 Nothing  here", "content-LENGTH: 0", "Set-Cookie: a=1",
                "Server: test", "Set-Cookie: b=2", "Date: Sun, 06 Nov 1994 08:49:37 GMT",
                "X-Last:  value ",
            ])
    }

    @Test(
        "what describes the client's connection ends here (RFC 9110 §7.6.1)",
        arguments: [
            "Connection: keep-alive", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
            "TE: trailers", "Trailer: X-Sum", "Upgrade: chat", "HTTP2-Settings: AAMAAABk",
            "Proxy: evil.example", "X-Session-Moved: 1", "proxy: evil.example",
            "Proxy-Authorization: Basic YTpi",
        ])
    func requestHopByHop(line: String) throws {
        let request = try forwarded(get("/", line, "X-Kept: yes"))
        let name = String(line.prefix { $0 != ":" })
        #expect(request.all(name) == [])
        #expect(request["X-Kept"] == "yes")
    }

    @Test(
        "what describes the backend's connection ends here (RFC 9110 §7.6.1)",
        arguments: [
            "Connection: keep-alive", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
            "Trailer: X-Sum", "Upgrade: h2c", "TE: gzip",
        ])
    func responseHopByHop(line: String) throws {
        let name = String(line.prefix { $0 != ":" })
        let response = try answered(ok("hello", line, "X-Kept: yes"))
        #expect(response.all(name) == [])
        #expect(response["X-Kept"] == "yes")
    }

    @Test("fields that Connection nominates end here, in both directions (RFC 9110 §7.6.1)")
    func nominated() throws {
        let backend = try ScriptedBackend(
            ScriptedBackend.answering(ok("hello", "Connection: X-Back", "X-Back: 1", "X-Stay: 2")))
        let proxy = try ProxyUnderTest(to: backend)
        let fields = "Connection: x-drop, close\r\nX-Drop: 1\r\nX-Keep: 2\r\nConnection: X-Other"
        let response = try proxy.exchange(get("/", fields, "X-OTHER: 3"))
        let request = try #require(backend.requests.first)
        #expect(request.all("X-Drop") + request.all("X-Other") + request.all("Connection") == [])
        #expect(request["X-Keep"] == "2")
        #expect(response["X-Back"] == nil && response["X-Stay"] == "2")
    }

    @Test(
        "nobody nominates away what gives a message its meaning",
        arguments: [
            "Host", "Content-Length", "X-Forwarded-For", "X-Real-IP", "Cookie", "X-Request-ID",
            "X-Forwarded-Proto",
        ])
    func protected(name: String) throws {
        let request = try forwarded(post("body", "Connection: \(name)", "Cookie: a=b"))
        #expect(request.all(name).count == 1)
        #expect(request.bodyText == "body")
    }

    @Test("an untrusted client's word about itself is replaced")
    func untrusted() throws {
        let request = try forwarded(
            get(
                "/", "X-Forwarded-For: 1.2.3.4", "X-Real-IP: 1.2.3.4", "X-Forwarded-Proto: https",
                "X-Forwarded-Host: evil.example", "X-Forwarded-Port: 1", "X-Request-ID: forged",
                "Forwarded: for=1.2.3.4", "X-Forwarded-Scheme: https", "X-Scheme: https"))
        #expect(request.all("X-Forwarded-For") == ["127.0.0.1"])
        #expect(request.all("X-Real-IP") == ["127.0.0.1"])
        for name in ["X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Scheme"] {
            #expect(request.all(name) == ["http"])
        }
        #expect(request.all("X-Forwarded-Host") == ["test.example"])
        #expect(request.all("X-Forwarded-Port").count == 1)
        #expect(request["X-Forwarded-Port"] != "1")
        #expect(request.all("Forwarded") == [])
        let id = try #require(request["X-Request-ID"])
        #expect(id.count == 32 && id.allSatisfy { $0.isHexDigit })
    }

    @Test("what an untrusted client claimed is shown as a claim, and only what it claimed now")
    func claims() throws {
        let request = try forwarded(
            get(
                "/", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 5.6.7.8",
                "X-Forwarded-Host: evil.example", "X-Original-Forwarded-For: 9.9.9.9"))
        #expect(request.all("X-Original-Forwarded-For") == ["1.2.3.4, 5.6.7.8"])
        #expect(request.all("X-Original-Forwarded-Host") == ["evil.example"])
        let silent = try forwarded(get("/", "X-Original-Forwarded-For: 9.9.9.9"))
        #expect(silent.all("X-Original-Forwarded-For") == [])
    }

    @Test(
        "what only the proxy may say is not passed on in disguise either (RFC 3875 §4.1.18)",
        arguments: [
            "X_Forwarded_For: 1.2.3.4", "x-forwarded_for: 1.2.3.4", "X-Forwarded_Proto: https",
            "X_REAL_IP: 1.2.3.4", "X_Request-ID: a", "Content_Length: 3", "Content_length: 3",
            "Transfer_Encoding: chunked", "SSL_Client_Verify: SUCCESS", "X_Session_Moved: 1",
            "X-Forwarded-Ssl: on", "X_Forwarded-Scheme: https", "X_Scheme: https",
            "X-Original_Forwarded-For: 1.2.3.4",
        ])
    func disguised(line: String) throws {
        let name = String(line.prefix { $0 != ":" })
        let request = try forwarded(get("/", line, "X_Kept: yes", "X-Forwardedly: yes"))
        #expect(request.all(name) == [])
        #expect(request["X_Kept"] == "yes" && request["X-Forwardedly"] == "yes")
    }

    @Test("a trusted peer may say more of the client, but not in disguise (RFC 3875 §4.1.18)")
    func trustedAndDisguised() throws {
        let request = try forwarded(
            get(
                "/", "X-Forwarded-Ssl: on", "X_Forwarded_For: 1.2.3.4", "X_Scheme: ftp"),
            settings: ForwardingTests.trusted)
        #expect(request["X-Forwarded-Ssl"] == "on")
        #expect(request["X_Forwarded_For"] == nil && request["X_Scheme"] == nil)
    }

    @Test(
        "Max-Forwards of an OPTIONS counts down, and of others passes (RFC 9110 §7.6.2)",
        arguments: [
            ("OPTIONS", "1", "0"), ("OPTIONS", "10", "9"), ("OPTIONS", "007", "6"),
            ("OPTIONS", "255", "254"), ("OPTIONS", "256", "255"), ("OPTIONS", "257", "255"),
            ("OPTIONS", "99999999999999999999", "255"), ("GET", "0", "0"), ("GET", "x", "x"),
        ])
    func maxForwards(method: String, value: String, expected: String) throws {
        let request = try forwarded(
            head("\(method) / HTTP/1.1", "Host: a", "mAX-Forwards: \(value)"))
        #expect(request.all("Max-Forwards") == [expected])
    }

    @Test("an expectation of HTTP/1.0 is not passed on (RFC 9110 §10.1.1)")
    func oldExpectation() throws {
        let request = head("GET / HTTP/1.0", "Host: a", "Expect: 100-continue")
        #expect(try forwarded(request).all("Expect") == [])
    }

    @Test("a trusted peer's word about the client is kept, and the peer appended")
    func trusted() throws {
        let request = try forwarded(
            get(
                "/", "X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 127.0.0.9",
                "X-Real-IP: 1.2.3.4", "X-Forwarded-Proto: https",
                "X-Forwarded-Host: shop.example", "X-Forwarded-Port: 443", "X-Request-ID: abc"),
            settings: ForwardingTests.trusted)
        #expect(request.all("X-Forwarded-For") == ["198.51.100.7, 127.0.0.9, 127.0.0.1"])
        #expect(request.all("X-Real-IP") == ["198.51.100.7"])
        for name in ["X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Scheme"] {
            #expect(request.all(name) == ["https"])
        }
        #expect(request.all("X-Forwarded-Host") == ["shop.example"])
        #expect(request.all("X-Forwarded-Port") == ["443"])
        #expect(request.all("X-Request-ID") == ["abc"])
    }

    @Test("what a trusted peer leaves unsaid is said for it")
    func trustedAndSilent() throws {
        let request = try forwarded(get(), settings: ForwardingTests.trusted)
        #expect(request.all("X-Forwarded-For") == ["127.0.0.1"])
        #expect(request.all("X-Forwarded-Proto") == ["http"])
        #expect(request.all("X-Forwarded-Host") == ["test.example"])
        #expect(request["X-Request-ID"]?.count == 32)
    }

    @Test("every request has an X-Request-ID of its own")
    func requestIDs() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend)
        let client = try proxy.connect()
        for _ in 0..<20 {
            try client.send(get())
            try client.readMessage()
        }
        #expect(Set(backend.requests.compactMap { $0["X-Request-ID"] }).count == 20)
    }

    @Test(
        "absolute form becomes origin form, and its authority Host (RFC 9112 §3.2.2)",
        arguments: [
            ("GET http://test.example/a?b HTTP/1.1", "GET /a?b HTTP/1.1"),
            ("GET http://TEST.example HTTP/1.1", "GET / HTTP/1.1"),
            ("GET http://test.example?q HTTP/1.1", "GET /?q HTTP/1.1"),
            ("OPTIONS http://test.example HTTP/1.1", "OPTIONS * HTTP/1.1"),
        ])
    func absoluteForm(line: String, expected: String) throws {
        let request = try forwarded(head(line, "Host: test.example"))
        #expect(request.startLine == expected)
        #expect(request.all("Host").map { $0.lowercased() } == ["test.example"])
    }

    @Test(
        "OPTIONS * stays what it is (RFC 9112 §3.2.4)")
    func asterisk() throws {
        let request = try forwarded(head("OPTIONS * HTTP/1.1", "Host: a"))
        #expect(request.startLine == "OPTIONS * HTTP/1.1")
    }

    @Test("a target's percent signs and dots are not touched")
    func targetUntouched() throws {
        let target = "/a/../b/./%2e%2E/%2f//c?x=/../&y=%00"
        #expect(try forwarded(get(target)).startLine == "GET \(target) HTTP/1.1")
    }

    @Test("an HTTP/1.0 request goes on as HTTP/1.1 with one Host")
    func http10() throws {
        let request = try forwarded(head("GET / HTTP/1.0", "Host: a"))
        #expect(request.startLine == "GET / HTTP/1.1")
        #expect(request.all("Host") == ["a"])
        #expect(try forwarded(head("GET / HTTP/1.0")).all("Host") == [""])
    }

    @Test("a Date is added where there is none, and Via never (RFC 9110 §6.6.1)")
    func dateAndVia() throws {
        let response = try answered(ok())
        #expect(response.all("Date").count == 1)
        #expect(response["Date"]?.hasSuffix(" GMT") == true)
        #expect(response.all("Via") == [])
        #expect(try forwarded(get()).all("Via") == [])
        #expect(try forwarded(get("/", "Via: 1.1 x")).all("Via") == ["1.1 x"])
    }

    @Test("a reason phrase may be empty, and its bytes pass (RFC 9112 §4)")
    func reasons() throws {
        for line in ["HTTP/1.1 299 ", "HTTP/1.1 200 \u{e9}t\u{e9}", "HTTP/1.1 599 x\ty"] {
            #expect(try answered(head(line, "Content-Length: 0")).startLine == line)
        }
    }

    @Test(
        "equal lengths said twice leave as one (RFC 9112 §6.3 item 5)")
    func repeatedLength() throws {
        let response = try answered(ok("hello", "Content-Length: 5"))
        #expect(response.all("Content-Length") == ["5"])
    }
}
