import Testing

/// Answers that the proxy itself gives (RFC 9110 §15.5 and §15.6).
@Suite("Answers of the proxy's own")
struct LocalResponseTests {
    /// What is asked of a proxy whose only route is `/here`, whose backend is down at `/down` and
    /// refuses at `/refused`.
    private func proxy() throws -> ProxyUnderTest {
        let backend = try ScriptedBackend()
        let dead = try ScriptedBackend()
        dead.refuseFromNowOn()
        let file = """
            routes:
              - {path: /here, backends: ["\(backend.address)"]}
              - {path: /refused, backends: ["\(dead.address)"]}
              - {path: /down, backends: [{address: "\(dead.address)", state: down}]}
            limits: {requestBody: 1k, requestTarget: 100, headers: 10}
            """
        return try ProxyUnderTest(file: file, backends: [backend, dead])
    }

    private static let table: [(request: String, line: String, keeps: Bool)] = [
        ("GET  / HTTP/1.1\r\n\r\n", "400 Bad Request", false),
        (get("/nowhere"), "404 Not Found", true),
        (head("CONNECT a:443 HTTP/1.1", "Host: a:443"), "405 Method Not Allowed", true),
        (
            head("POST /here HTTP/1.1", "Host: a", "Content-Length: 1025"),
            "413 Content Too Large", false
        ),
        (get("/" + String(repeating: "a", count: 100)), "414 URI Too Long", false),
        (
            get("/here", String(repeating: "A: b\r\n", count: 9) + "A: b"),
            "431 Request Header Fields Too Large", false
        ),
        (
            head("POST /here HTTP/1.1", "Host: a", "Transfer-Encoding: gzip, chunked"),
            "501 Not Implemented", false
        ),
        (get("/refused"), "502 Bad Gateway", true),
        (get("/down"), "503 Service Unavailable", true),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505 HTTP Version Not Supported", false),
    ]

    @Test(
        "each has its status, a date, its length, and tells what becomes of the connection",
        arguments: table)
    func complete(request: String, line: String, keeps: Bool) throws {
        let client = try proxy().connect(sending: request)
        let response = try client.readMessage()
        #expect(response.startLine == "HTTP/1.1 \(line)")
        #expect(response.all("Date").count == 1)
        #expect(response.all("Content-Length") == ["\(line.utf8.count + 1)"])
        #expect(response["Content-Type"] == "text/plain")
        #expect(response.bodyText == line + "\n")
        #expect(response.all("Connection") == (keeps ? [] : ["close"]))
        if keeps {
            try client.send(get("/here"))
            #expect(try client.readMessage().status == 200)
        } else {
            #expect(try client.readToEnd().text == "")
        }
    }

    @Test("a 405 names what is allowed (RFC 9110 §15.5.6)")
    func allow() throws {
        let response = try proxy().exchange(head("CONNECT a:443 HTTP/1.1", "Host: a:443"))
        #expect(response["Allow"] != nil)
    }

    @Test("an answer to HEAD has the length and not the body (RFC 9110 §9.3.2)")
    func answerToHead() throws {
        let client = try proxy().connect(sending: head("HEAD /nowhere HTTP/1.1", "Host: a"))
        #expect(try client.readMessage(.none)["Content-Length"] == "14")
        try client.send(get("/here"))
        #expect(try client.readMessage().status == 200)
    }

    @Test("a client that is still sending reads the answer before the end (RFC 9112 §9.6)")
    func lingering() throws {
        let client = try proxy().connect(
            sending: head("POST /here HTTP/1.1", "Host: a", "Content-Length: 1000000"))
        for _ in 0..<100 { try client.send([UInt8](repeating: 0x78, count: 10_000)) }
        let response = try client.readMessage()
        #expect(response.status == 413)
        let end = try client.readToEnd()
        #expect(end.text == "" && end.ending == .closed)
    }

    @Test("a body behind a 404 is not read as a request")
    func bodyOfRefused() throws {
        let client = try proxy().connect(
            sending: head("POST /nowhere HTTP/1.1", "Host: a", "Content-Length: 500"))
        #expect(try client.readMessage().status == 404)
        try client.send(get("/here"))
        #expect(try client.readToEnd().text == "")
    }

    @Test("a whole request behind a 404 is answered")
    func requestBehind404() throws {
        let client = try proxy().connect(sending: get("/nowhere") + get("/here"))
        #expect(try client.readMessage().status == 404)
        #expect(try client.readMessage().status == 200)
    }
}
