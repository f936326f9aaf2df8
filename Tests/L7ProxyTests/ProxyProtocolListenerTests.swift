import Testing

/// A listener behind another proxy that says whom it speaks for.
@Suite("PROXY protocol on a listener")
struct ProxyProtocolListenerTests {
    private static let trusting = "clientIP: {trusted: [127.0.0.0/8]}"
    private static let header = "PROXY TCP4 192.0.2.7 198.51.100.1 40000 8443\r\n"

    private func proxy(_ backend: ScriptedBackend, _ settings: String) throws -> ProxyUnderTest {
        try ProxyUnderTest(to: backend, settings: settings, listener: "proxyProtocol: true")
    }

    @Test("the address that the header names counts as the peer, and its port as ours")
    func peer() throws {
        let backend = try ScriptedBackend()
        let proxy = try proxy(backend, Self.trusting)
        let client = try proxy.connect(
            sending: Self.header + get("/", "X-Forwarded-For: 203.0.113.9"))
        #expect(try client.readMessage().status == 200)
        let request = backend.requests[0]
        // 192.0.2.7 is not trusted, so what it says about others is not passed on.
        #expect(request.all("X-Forwarded-For") == ["192.0.2.7"])
        #expect(request["X-Real-IP"] == "192.0.2.7")
        #expect(request["X-Forwarded-Port"] == "8443")
    }

    @Test("a trusted source's word about the client is believed")
    func trustedSource() throws {
        let backend = try ScriptedBackend()
        let settings = "clientIP: {from: x-forwarded-for, trusted: [127.0.0.0/8, 192.0.2.0/24]}"
        let proxy = try proxy(backend, settings)
        let client = try proxy.connect(
            sending: Self.header + get("/", "X-Forwarded-For: 203.0.113.9"))
        #expect(try client.readMessage().status == 200)
        #expect(backend.requests[0]["X-Forwarded-For"] == "203.0.113.9, 192.0.2.7")
        #expect(backend.requests[0]["X-Real-IP"] == "203.0.113.9")
    }

    @Test("a header of version 2 is read, and its TLVs passed over")
    func version2() throws {
        let backend = try ScriptedBackend()
        let proxy = try proxy(backend, Self.trusting)
        let client = try proxy.connect()
        let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10] + Array("QUIT\n".utf8)
        let addresses: [UInt8] = [192, 0, 2, 8, 198, 51, 100, 1, 0x9C, 0x40, 0x20, 0xFB]
        try client.send(signature + [0x21, 0x11, 0, 16] + addresses + [4, 0, 1, 0])
        try client.send(get())
        #expect(try client.readMessage().status == 200)
        #expect(backend.requests[0]["X-Real-IP"] == "192.0.2.8")
    }

    @Test(
        "UNKNOWN and LOCAL leave the connection's own address as the peer",
        arguments: [
            Array("PROXY UNKNOWN\r\n".utf8),
            [13, 10, 13, 10, 0, 13, 10] + Array("QUIT\n".utf8) + [0x20, 0, 0, 0],
        ])
    func nobody(header: [UInt8]) throws {
        let backend = try ScriptedBackend()
        let proxy = try proxy(backend, Self.trusting)
        let client = try proxy.connect()
        try client.send(header)
        try client.send(get())
        #expect(try client.readMessage().status == 200)
        #expect(backend.requests[0]["X-Real-IP"] == "127.0.0.1")
        #expect(backend.requests[0]["X-Forwarded-Port"] == "\(proxy.port)")
    }

    @Test("a header may come byte by byte, and be followed by several requests")
    func byteByByte() throws {
        let backend = try ScriptedBackend()
        let proxy = try proxy(backend, Self.trusting)
        let client = try proxy.connect()
        for byte in Self.header.utf8 { try client.send([byte]) }
        try client.send(get("/1") + get("/2"))
        for _ in 0..<2 { #expect(try client.readMessage().status == 200) }
        #expect(backend.requests.map { $0["X-Real-IP"] } == ["192.0.2.7", "192.0.2.7"])
    }

    @Test(
        "a connection whose first bytes are no header is closed without a word",
        arguments: [
            get(), "PROXY TCP4 192.0.2.300 198.51.100.1 1 2\r\n" + get(),
            "PROXY TCP4 ::1 ::1 1 2\r\n" + get(), "PROXY TCP6 192.0.2.1 192.0.2.1 1 2\r\n" + get(),
            "PROXY UNKNOWN " + String(repeating: "x", count: 200) + "\r\n" + get(),
        ])
    func noHeader(bytes: String) throws {
        let backend = try ScriptedBackend()
        let proxy = try proxy(backend, Self.trusting)
        let client = try proxy.connect(sending: bytes)
        #expect(try client.readToEnd().text == "")
        #expect(backend.connectionCount == 0)
    }

    @Test("a peer that nobody trusts is closed, whatever it sends")
    func untrusted() throws {
        let backend = try ScriptedBackend()
        let proxy = try proxy(backend, "clientIP: {trusted: [10.0.0.0/8]}")
        let client = try proxy.connect()
        try? client.send(Self.header + get())
        #expect(try client.readToEnd().text == "")
        #expect(backend.connectionCount == 0)
    }

    @Test("a header that does not come in time ends the connection")
    func late() throws {
        let backend = try ScriptedBackend()
        let settings = Self.trusting + "\ntimeouts: {requestHead: 1s}"
        let proxy = try proxy(backend, settings)
        let client = try proxy.connect(sending: String(Self.header.dropLast()))
        #expect(try client.readToEnd().text == "")
        // The place that it held is free again: others are served.
        let other = try proxy.connect(sending: Self.header + get())
        #expect(try other.readMessage().status == 200)
    }
}
