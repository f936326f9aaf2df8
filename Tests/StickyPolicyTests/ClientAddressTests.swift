import HTTPParser
import StickyPolicy
import Testing

@Suite("the client's address")
struct ClientAddressTests {
    private func resolve(
        peer: String = "127.0.0.1", trusted: [String], lines: [String],
        source: ClientAddressResolver.Source = .xForwardedFor
    ) throws -> String {
        let resolver = ClientAddressResolver(
            source: source, trusted: try trusted.map { try #require(IPNetwork($0)) })
        let request = TestRequest(cookies: ["a=b"], forwardedFor: lines)
        return resolver.client(
            peer: try #require(IPAddress(peer)), head: request.head, in: request.bytes.span
        ).description
    }

    private func resolve(
        _ source: ClientAddressResolver.Source, _ name: String, _ lines: [String]
    ) throws -> String {
        let resolver = ClientAddressResolver(
            source: source,
            trusted: try ["127.0.0.1", "10.0.0.0/8"].map { try #require(IPNetwork($0)) })
        let request = TestRequest(target: "/", fields: lines.map { (name, $0) })
        let peer = IPAddress(v4: 0x7F00_0001)
        let client = resolver.client(peer: peer, head: request.head, in: request.bytes.span)
        let explained = resolver.explain(peer: peer, head: request.head, in: request.bytes.span)
        #expect(explained.client == client)
        return client.description
    }

    @Test(
        "Forwarded names the client in its for pairs (RFC 7239 §4)",
        arguments: [
            ("for=203.0.113.7", "203.0.113.7"), ("For=\"203.0.113.7:4711\"", "203.0.113.7"),
            ("for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=6.6.6.6, for=203.0.113.7;proto=http;by=10.1.1.1, for=10.2.2.2", "203.0.113.7"),
            ("proto=https; for=203.0.113.7 ;host=a", "203.0.113.7"),
            ("for=203.0.113.7;host=\"a,b\", for=10.1.1.1", "203.0.113.7"),
            ("for=203.0.113.7, for=unknown", "127.0.0.1"),
            ("for=_hidden, for=10.1.1.1", "10.1.1.1"), ("proto=https", "127.0.0.1"),
            ("for=", "127.0.0.1"), ("for=\"", "127.0.0.1"), ("", "127.0.0.1"),
        ])
    func forwarded(line: String, expected: String) throws {
        #expect(try resolve(.forwarded, "Forwarded", [line]) == expected)
    }

    @Test(
        "X-Real-IP is one address; of several lines the last that is needed counts",
        arguments: [
            (["203.0.113.7"], "203.0.113.7"), (["junk"], "127.0.0.1"),
            (["6.6.6.6", "203.0.113.7"], "203.0.113.7"), ([], "127.0.0.1"),
        ])
    func realIP(lines: [String], expected: String) throws {
        #expect(try resolve(.xRealIP, "X-Real-IP", lines) == expected)
    }

    @Test("the walk can be watched")
    func steps() throws {
        let resolver = ClientAddressResolver(
            source: .xForwardedFor, trusted: [try #require(IPNetwork("10.0.0.0/8"))])
        let request = TestRequest(forwardedFor: ["6.6.6.6, junk, 10.2.2.2"])
        let peer = try #require(IPAddress("10.1.1.1"))
        let walk = resolver.explain(peer: peer, head: request.head, in: request.bytes.span)
        let passed = try #require(IPAddress("10.2.2.2"))
        #expect(walk.client == passed)
        #expect(walk.steps == [.passed(peer), .passed(passed), .junk])
    }

    /// What nginx answers with `real_ip_recursive on`.
    @Test(
        "everybody trusted",
        arguments: [
            ("9.9.9.9, 1.2.3.4", "9.9.9.9"), ("1.2.3.4, 2001:db8::1", "2001:db8::1"),
            ("junk, 1.2.3.4", "1.2.3.4"), ("1.2.3.4, junk", "127.0.0.1"),
            ("1.2.3.4:5555", "1.2.3.4"), ("", "127.0.0.1"), (",", "127.0.0.1"),
        ])
    func everybodyTrusted(list: String, expected: String) throws {
        #expect(try resolve(trusted: ["0.0.0.0/0"], lines: [list]) == expected)
    }

    @Test(
        "the walk ends at the first untrusted address from the right",
        arguments: [
            ("6.6.6.6, 203.0.113.7, 10.1.1.1", "203.0.113.7"),
            ("10.2.2.2, 10.1.1.1", "10.2.2.2"), ("203.0.113.7,,10.1.1.1", "203.0.113.7"),
            ("unknown, 10.1.1.1", "10.1.1.1"), ("203.0.113.7 ,\t10.1.1.1 ", "203.0.113.7"),
            ("[2001:db8::7]:443, 10.1.1.1", "2001:db8::7"), ("[2001:db8::7]", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"), ("::ffff:203.0.113.7", "203.0.113.7"),
            ("6.6.6.6, ::ffff:10.1.1.1", "6.6.6.6"), ("203.0.113.7:65535", "203.0.113.7"),
            ("203.0.113.7:", "127.0.0.1"), ("203.0.113.7:123456", "127.0.0.1"),
            ("[2001:db8::7", "127.0.0.1"), ("[2001:db8::7]x", "127.0.0.1"),
            ("203.0.113.7:8x", "127.0.0.1"), ("[203.0.113.7]", "203.0.113.7"),
        ])
    func walk(list: String, expected: String) throws {
        #expect(try resolve(trusted: ["127.0.0.1", "10.0.0.0/8"], lines: [list]) == expected)
    }

    @Test("several lines are one list in their order")
    func severalLines() throws {
        let lines = ["6.6.6.6, 203.0.113.7", "10.2.2.2", "", "10.1.1.1"]
        #expect(try resolve(trusted: ["127.0.0.1", "10.0.0.0/8"], lines: lines) == "203.0.113.7")
    }

    @Test("an untrusted peer is the client, whatever it says")
    func untrustedPeer() throws {
        #expect(
            try resolve(peer: "8.8.8.8", trusted: ["10.0.0.0/8"], lines: ["1.1.1.1"]) == "8.8.8.8")
        #expect(try resolve(trusted: [], lines: ["1.1.1.1"]) == "127.0.0.1")
    }

    @Test("the connection as source believes nobody")
    func connection() throws {
        let client = try resolve(
            trusted: ["0.0.0.0/0"], lines: ["1.1.1.1"], source: .connection)
        #expect(client == "127.0.0.1")
    }

    @Test("a list without end is not walked to its end")
    func bounded() throws {
        let list = "203.0.113.7, " + String(repeating: "10.1.1.1, ", count: 500) + "10.1.1.2"
        #expect(try resolve(trusted: ["127.0.0.1", "10.0.0.0/8"], lines: [list]) == "10.1.1.1")
        let commas = "203.0.113.7" + String(repeating: ",", count: 500)
        #expect(try resolve(trusted: ["127.0.0.1"], lines: [commas]) == "127.0.0.1")
    }
}
