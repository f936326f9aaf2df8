import Testing

/// Answers that come before the request is whole, and answers that are not the last
/// (RFC 9110 §10.1.1 and §15.2).
@Suite("Early and interim responses")
struct EarlyResponseTests {
    private static let unfinished =
        head("POST / HTTP/1.1", "Host: a", "Content-Length: 1000000") + "the beginning"

    @Test(
        "a refusal that comes before the end of the body reaches the client", arguments: [413, 403])
    func refusal(status: Int) throws {
        let backend = try ScriptedBackend { wire, _ in
            _ = try wire.read(until: "the beginning")
            try wire.send(head("HTTP/1.1 \(status) No", "Content-Length: 0", "Connection: close"))
        }
        let client = try ProxyUnderTest(to: backend).connect(
            sending: EarlyResponseTests.unfinished)
        #expect(try client.readMessage().status == status)
        // What was left of the body must not be read as a request.
        try client.send(get())
        #expect(try client.readToEnd().text == "")
    }

    @Test(
        "an early answer says that the connection ends with it (RFC 9112 §9.6)")
    func earlyClose() throws {
        let backend = try ScriptedBackend { wire, _ in
            _ = try wire.read(until: "the beginning")
            try wire.send(head("HTTP/1.1 403 No", "Content-Length: 0"))
            _ = try wire.readToEnd()
        }
        let client = try ProxyUnderTest(to: backend).connect(
            sending: EarlyResponseTests.unfinished)
        let response = try client.readMessage()
        #expect(try client.readToEnd().text == "")
        #expect(response["Connection"] == "close")
    }

    @Test("a client that goes on sending gets the refusal all the same (RFC 9112 §9.6)")
    func refusalWhileSending() throws {
        let backend = try ScriptedBackend { wire, _ in
            _ = try wire.read(until: "the beginning")
            try wire.send(head("HTTP/1.1 413 No", "Content-Length: 0", "Connection: close"))
            // Unread bytes make this close a reset.
            wire.close()
        }
        let client = try ProxyUnderTest(to: backend).connect(
            sending: EarlyResponseTests.unfinished)
        for _ in 0..<50 { try client.send([UInt8](repeating: 0x78, count: 10_000)) }
        #expect(try client.readMessage().status == 413)
    }

    @Test("the connection of an early answer serves nobody else (RFC 9112 §9.3)")
    func spoilt() throws {
        let backend = try ScriptedBackend { wire, number in
            if number > 0 { return try ScriptedBackend.answering()(wire, number) }
            _ = try wire.read(until: "the beginning")
            try wire.send(ok("early"))
            _ = try wire.readToEnd()
        }
        let proxy = try ProxyUnderTest(to: backend)
        let client = try proxy.connect(sending: EarlyResponseTests.unfinished)
        #expect(try client.readMessage().bodyText == "early")
        #expect(try proxy.exchange(get()).bodyText == "hello")
        proxy.stop()
        backend.finish()
        #expect(backend.connectionCount == 2)
        #expect(!backend.received[0].contains("GET"))
    }

    @Test("Expect goes to the backend, and its 100 back to the client (RFC 9110 §10.1.1)")
    func expectContinue() throws {
        let backend = try ScriptedBackend { wire, _ in
            let request = try wire.read(until: "\r\n\r\n")
            try demand(request.contains("\r\nExpect: 100-continue\r\n"), "Expect")
            try demand(wire.isQuiet(for: .milliseconds(50)), "no body yet")
            try wire.send(head("HTTP/1.1 100 Continue"))
            _ = try wire.read(exactly: 4)
            try wire.send(ok("thanks"))
            _ = try wire.readToEnd()
        }
        let client = try ProxyUnderTest(to: backend).connect(
            sending: head(
                "POST / HTTP/1.1", "Host: a", "Content-Length: 4", "Expect: 100-continue"))
        #expect(try client.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
        try client.send("body")
        #expect(try client.readMessage().bodyText == "thanks")
        #expect(backend.failures == [])
    }

    @Test("a final answer instead of 100 reaches a client that waits (RFC 9110 §10.1.1)")
    func expectRefused() throws {
        let backend = try ScriptedBackend { wire, _ in
            _ = try wire.read(until: "\r\n\r\n")
            try wire.send(head("HTTP/1.1 417 No", "Content-Length: 0", "Connection: close"))
        }
        let client = try ProxyUnderTest(to: backend).connect(
            sending: head(
                "POST / HTTP/1.1", "Host: a", "Content-Length: 4", "Expect: 100-continue"))
        #expect(try client.readMessage().status == 417)
        #expect(try client.readToEnd().text == "")
    }

    @Test("a client that does not wait for 100 is served too")
    func expectImpatient() throws {
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            try wire.send(head("HTTP/1.1 100 Continue") + ok("thanks"))
        }
        let client = try ProxyUnderTest(to: backend).connect(
            sending: post("body", "Expect: 100-continue"))
        #expect(try client.readMessage(.none).status == 100)
        #expect(try client.readMessage().bodyText == "thanks")
    }

    @Test("interim responses pass in order, with their fields (RFC 9110 §15.2)")
    func interims() throws {
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            try wire.send(head("HTTP/1.1 103 Early Hints", "Link: </a>", "Connection: X", "X: 1"))
            try wire.send(head("HTTP/1.1 102 Processing"))
            try wire.send(head("HTTP/1.1 103 Early Hints", "Link: </b>") + ok())
        }
        let client = try ProxyUnderTest(to: backend).connect(sending: get())
        let hints = "HTTP/1.1 103 Early Hints\r\n"
        #expect(try client.read(until: "\r\n\r\n") == hints + "Link: </a>\r\n\r\n")
        #expect(try client.read(until: "\r\n\r\n") == "HTTP/1.1 102 Processing\r\n\r\n")
        #expect(try client.read(until: "\r\n\r\n") == hints + "Link: </b>\r\n\r\n")
        #expect(try client.readMessage().bodyText == "hello")
    }

    @Test("HTTP/1.0 clients never see an interim response (RFC 9110 §15.2)")
    func interimsForHTTP10() throws {
        let backend = try ScriptedBackend(
            ScriptedBackend.answering(head("HTTP/1.1 103 Early Hints", "Link: </a>") + ok()))
        let response = try ProxyUnderTest(to: backend).exchange(
            head("GET / HTTP/1.0", "Host: a"))
        #expect(response.status == 200)
    }

    @Test("16 interim responses pass, 17 are a 502", arguments: [(16, 200), (17, 502)])
    func manyInterims(count: Int, status: Int) throws {
        let interims = String(repeating: head("HTTP/1.1 102 Processing"), count: count)
        let backend = try ScriptedBackend(ScriptedBackend.answering(interims + ok()))
        let client = try ProxyUnderTest(to: backend).connect(sending: get())
        for _ in 0..<16 { #expect(try client.readMessage(.none).status == 102) }
        #expect(try client.readMessage().status == status)
    }

    @Test(
        "a 101 that nobody asked for is a 502 (RFC 9110 §15.2.2)",
        arguments: [get(), post("body"), get("/", "Upgrade: websocket")])
    func unexpected101(request: String) throws {
        let backend = try ScriptedBackend(
            ScriptedBackend.answering(
                head("HTTP/1.1 101 Switching", "Connection: upgrade", "Upgrade: websocket")))
        #expect(try ProxyUnderTest(to: backend).exchange(request).status == 502)
    }
}
