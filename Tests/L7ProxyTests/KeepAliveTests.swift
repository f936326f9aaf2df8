import Testing

/// How long a client's connection lives (RFC 9112 §9.3).
@Suite("Keep-alive")
struct KeepAliveTests {
    @Test("a hundred requests go over one connection each side")
    func hundredRequests() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend)
        let client = try proxy.connect()
        for number in 0..<100 {
            try client.send(get("/\(number)"))
            let response = try client.readMessage()
            #expect(response.status == 200)
            #expect(response["Connection"] == nil)
        }
        #expect(backend.connectionCount == 1)
        #expect(backend.requests.map(\.startLine) == (0..<100).map { "GET /\($0) HTTP/1.1" })
    }

    @Test("an HTTP/1.1 client that says close gets close and an end (RFC 9112 §9.6)")
    func clientCloses() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend)
        let client = try proxy.connect(sending: get("/", "Connection: close"))
        let response = try client.readMessage()
        #expect(response["Connection"] == "close")
        #expect(response.bodyText == "hello")
        let rest = try client.readToEnd()
        #expect(rest.text == "" && rest.ending == .closed)
        #expect(backend.requests[0]["Connection"] == nil)
    }
}
