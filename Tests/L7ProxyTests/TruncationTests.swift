import Testing

/// What broke off must look broken off (RFC 9112 §8).
@Suite("Truncated messages")
struct TruncationTests {
    /// What the client sees when the backend says this and leaves.
    private func seen(
        _ response: String, request: String = get(), byReset: Bool = false
    ) throws -> (text: String, ending: Wire.Ending) {
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            try wire.send(response)
            // The client has it: what was on its way cannot be overtaken by the reset.
            if byReset {
                _ = wire.isQuiet(for: .milliseconds(100))
                wire.reset()
            }
        }
        return try ProxyUnderTest(to: backend).connect(sending: request).readToEnd()
    }

    @Test("a body shorter than its length ends without the rest", arguments: [false, true])
    func length(byReset: Bool) throws {
        let end = try seen(
            head("HTTP/1.1 200 OK", "Content-Length: 100") + "part", byReset: byReset)
        #expect(end.text.contains("Content-Length: 100\r\n"))
        #expect(end.text.hasSuffix("\r\n\r\npart"))
    }

    @Test(
        "chunks without a last one stay without a last one",
        arguments: [
            "5\r\nhello\r\n", "5\r\nhel", "5\r\nhello\r\n0\r\n", "5\r\nhello\r\n0\r\nX: y\r\n",
        ], [false, true])
    func chunked(body: String, byReset: Bool) throws {
        let end = try seen(
            head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + body, byReset: byReset)
        #expect(end.text.contains("\r\n\r\n") && end.text.contains("hel"))
        #expect(!end.text.hasSuffix("0\r\n\r\n"))
    }

    @Test("a chunk that is none is a 502, as long as nothing was sent (RFC 9112 §7.1)")
    func malformedChunk() throws {
        let end = try seen(
            head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + "5\r\nhello\r\nzz\r\n",
            request: get("/", "Connection: close"))
        #expect(end.text.hasPrefix("HTTP/1.1 502 "))
        #expect(!end.text.contains("hello"))
    }

    @Test("chunks that break off reset an HTTP/1.0 client, which knows no other sign")
    func chunkedForHTTP10() throws {
        let end = try seen(
            head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + "5\r\nhello\r\n",
            request: head("GET / HTTP/1.0", "Host: a"))
        #expect(end.ending == .reset)
    }

    @Test("a reset in a body that ends with the connection is not its end")
    func closeDelimited() throws {
        let end = try seen("HTTP/1.1 200 OK\r\n\r\nhello", byReset: true)
        #expect(end.text.contains("hello"))
        #expect(!end.text.hasSuffix("0\r\n\r\n"))
        let old = try seen(
            "HTTP/1.1 200 OK\r\n\r\nhello", request: head("GET / HTTP/1.0", "Host: a"),
            byReset: true)
        #expect(old.ending == .reset)
    }

    @Test(
        "a head that breaks off is a 502, and the client's connection lives on",
        arguments: ["", "HTTP", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"], [false, true])
    func brokenHead(response: String, byReset: Bool) throws {
        let backend = try ScriptedBackend { wire, number in
            if number > 0 { return try ScriptedBackend.answering()(wire, number) }
            try wire.readMessage()
            try wire.send(response)
            if byReset { wire.reset() }
        }
        let client = try ProxyUnderTest(to: backend).connect(sending: get())
        #expect(try client.readMessage().status == 502)
        try client.send(get())
        #expect(try client.readMessage().status == 200)
    }

    private static let chunkedHead = head(
        "POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked")

    @Test(
        "a client that leaves in its body takes its backend's connection along",
        arguments: [
            head("POST / HTTP/1.1", "Host: a", "Content-Length: 100") + "part",
            chunkedHead + "5\r\nhello\r\n", chunkedHead + "5\r\nhello\r\n0\r\n",
        ], [false, true])
    func clientLeaves(request: String, byReset: Bool) throws {
        let hasBegun = try Gate()
        let backend = try ScriptedBackend { wire, number in
            if number > 0 { return try ScriptedBackend.answering()(wire, number) }
            _ = try wire.read(until: "\r\n\r\n")
            hasBegun.open()
            _ = try wire.readToEnd()
        }
        let proxy = try ProxyUnderTest(to: backend)
        let client = try proxy.connect(sending: request)
        try hasBegun.wait()
        if byReset { client.reset() } else { client.close() }
        // The next client gets a connection of its own.
        #expect(try proxy.exchange(get()).status == 200)
        proxy.stop()
        backend.finish()
        #expect(backend.connectionCount == 2)
        #expect(!backend.received[0].hasSuffix("0\r\n\r\n"))
        #expect(backend.failures == [])
    }

    @Test("a client that leaves while it is being answered closes its backend's connection")
    func clientLeavesResponse() throws {
        let isClosed = try Gate()
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            try wire.send(head("HTTP/1.1 200 OK", "Content-Length: 100") + "part")
            _ = try wire.readToEnd()
            isClosed.open()
        }
        let client = try ProxyUnderTest(to: backend).connect(sending: get())
        _ = try client.read(until: "part")
        client.reset()
        try isClosed.wait()
    }

    @Test("a client that resets while it waits for an answer closes its backend's connection")
    func clientLeavesWaiting() throws {
        let hasBegun = try Gate()
        let isClosed = try Gate()
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            hasBegun.open()
            _ = try wire.readToEnd()
            isClosed.open()
        }
        let proxy = try ProxyUnderTest(to: backend)
        let client = try proxy.connect(sending: get())
        try hasBegun.wait()
        client.reset()
        try isClosed.wait()
    }
}
