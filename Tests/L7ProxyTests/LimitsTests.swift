import Testing

/// What a client or a backend may cost: at, below and above each limit.
@Suite("Limits")
struct LimitsTests {
    /// The status of the answer, with a backend that says 200 to all.
    private func status(of request: String, limits: String) throws -> Int? {
        let proxy = try ProxyUnderTest(to: ScriptedBackend(), settings: "limits: {\(limits)}")
        return try proxy.exchange(request).status
    }

    /// A GET whose head has exactly this many bytes.
    private func request(ofHead count: Int) -> String {
        let bare = get("/", "X: ").utf8.count
        return get("/", "X: " + String(repeating: "a", count: count - bare))
    }

    @Test(
        "a head of 1024 bytes passes a limit of 1k",
        arguments: [
            (1023, 200), (1024, 200), (1025, 431), (5000, 431),
        ])
    func requestHead(count: Int, expected: Int) throws {
        let limits = "requestHead: 1k, requestTarget: 512"
        #expect(try status(of: request(ofHead: count), limits: limits) == expected)
    }

    @Test(
        "a head of 32 KB is what is taken without a word about it",
        arguments: [
            (32 * 1024, 200), (32 * 1024 + 1, 431),
        ])
    func defaultRequestHead(count: Int, expected: Int) throws {
        #expect(try status(of: request(ofHead: count), limits: "headers: 128") == expected)
    }

    @Test("a body behind the head does not count as head")
    func headAndBody() throws {
        let request = post(String(repeating: "b", count: 50_000))
        #expect(try status(of: request, limits: "requestHead: 1k, requestTarget: 512") == 200)
    }

    @Test(
        "a target of 100 bytes passes a limit of 100",
        arguments: [
            (99, 200), (100, 200), (101, 414), (9000, 414),
        ])
    func requestTarget(count: Int, expected: Int) throws {
        let target = "/" + String(repeating: "a", count: count - 1)
        #expect(try status(of: get(target), limits: "requestTarget: 100") == expected)
    }

    @Test(
        "ten field lines pass a limit of ten",
        arguments: [
            (9, 200), (10, 200), (11, 431), (500, 431),
        ])
    func headers(count: Int, expected: Int) throws {
        let lines = ["GET / HTTP/1.1", "Host: a"] + (2...count).map { "X-\($0): y" }
        let request = lines.joined(separator: "\r\n") + "\r\n\r\n"
        #expect(try status(of: request, limits: "headers: 10") == expected)
    }

    @Test(
        "a declared body of 1024 bytes passes a limit of 1k",
        arguments: [
            (1023, 200), (1024, 200), (1025, 413),
        ])
    func requestBody(count: Int, expected: Int) throws {
        let request = post(String(repeating: "b", count: count))
        #expect(try status(of: request, limits: "requestBody: 1k") == expected)
    }

    @Test(
        "a chunked body of 1024 bytes passes a limit of 1k, in pieces",
        arguments: [
            (1024, 200), (1025, 413), (100_000, 413),
        ])
    func chunkedBody(count: Int, expected: Int) throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend, settings: "limits: {requestBody: 1k}")
        let client = try proxy.connect(
            sending: head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked"))
        // The body follows when the backend has the head, so it does not come in one piece.
        try client.send("1\r\nx\r\n")
        #expect(client.isQuiet(for: .milliseconds(50)))
        let rest = String(repeating: "b", count: count - 1)
        try client.send("\(String(count - 1, radix: 16))\r\n\(rest)\r\n0\r\n\r\n")
        #expect(try client.readMessage().status == expected)
    }

    @Test(
        "a chunked body beyond the limit is refused when it comes with its head")
    func chunkedBodyAtOnce() throws {
        let body = "800\r\n" + String(repeating: "b", count: 2048) + "\r\n0\r\n\r\n"
        let request = head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked") + body
        #expect(try status(of: request, limits: "requestBody: 1k") == 413)
    }

    @Test(
        "a response head of 1024 bytes passes a limit of 1k",
        arguments: [
            (1024, 200), (1025, 502), (100_000, 502),
        ])
    func responseHead(count: Int, expected: Int) throws {
        let bare = ok("hello", "X: ").utf8.count - 5
        let response = ok("hello", "X: " + String(repeating: "a", count: count - bare))
        let backend = try ScriptedBackend(ScriptedBackend.answering(response))
        let proxy = try ProxyUnderTest(to: backend, settings: "limits: {responseHead: 1k}")
        #expect(try proxy.exchange(get()).status == expected)
    }

    @Test("129 field lines of a response are a 502", arguments: [(128, 200), (129, 502)])
    func responseHeaders(count: Int, expected: Int) throws {
        let fields = (2...count).map { "X-\($0): y" }.joined(separator: "\r\n")
        let backend = try ScriptedBackend(ScriptedBackend.answering(ok("hello", fields)))
        #expect(try ProxyUnderTest(to: backend).exchange(get()).status == expected)
    }

    @Test("Connection may name 32 fields", arguments: [(32, 200), (33, 400)])
    func connectionOptions(count: Int, expected: Int) throws {
        let names = (1...count).map { "x\($0)" }.joined(separator: ",")
        #expect(try status(of: get("/", "Connection: \(names)"), limits: "") == expected)
    }
}
