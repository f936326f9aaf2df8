import Testing

@testable import StickyPolicy

@Suite("addresses as text")
struct AddressTextTests {
    @Test(
        "an IPv4 address is four numbers without leading zeros",
        arguments: [
            ("0.0.0.0", 0 as UInt32), ("192.0.2.1", 0xC000_0201), ("255.255.255.255", .max),
            ("10.0.0.7", 0x0A00_0007),
        ])
    func dottedQuad(text: String, bits: UInt32) {
        #expect(IPAddress(text) == IPAddress(v4: bits))
        #expect(IPAddress(v4: bits).description == text)
    }

    @Test(
        "an IPv6 address is read in every form of RFC 4291 §2.2 and written in that of RFC 5952",
        arguments: [
            ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:db8::1", "2001:db8::1"),
            ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"), ("2001:0db8::0001", "2001:db8::1"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"),
            ("1:0:0:4:0:0:0:8", "1:0:0:4::8"), ("1:0:0:4:5:0:0:8", "1::4:5:0:0:8"),
            ("0:0:1::", "0:0:1::"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
            ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("fe80::", "fe80::"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("::ffff:192.0.2.1", "192.0.2.1"), ("::ffff:c000:201", "192.0.2.1"),
        ])
    func v6(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
    }

    @Test(
        "anything else is no address",
        arguments: [
            "", ".", ":", ":::", "1", "1.2.3", "1.2.3.4.5", "1.2.3.4.", ".1.2.3.4", "1..2.3",
            "256.0.0.1", "01.2.3.4", "1.2.3.00", "1.2.3.4 ", " 1.2.3.4", "1.2.3.-4", "1.2.3.4:80",
            "1.2.3.0x4", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1::",
            "1:::2", ":1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:", "12345::", "g::", "fe80::1%eth0",
            "[::1]", "::1.2.3", "::1.2.3.4:5", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4",
            "::ffff:256.1.1.1", "junk", "1111:2222:3333:4444:5555:6666:255.255.255.2555",
        ])
    func refused(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("no bytes make the parser trap")
    func randomBytes() {
        var generator = SplitMix64(seed: 7)
        let alphabet = Array("0123456789abcdefF:.[]% ".utf8)
        for _ in 0..<50_000 {
            let count = Int(generator.next() % 24)
            let bytes = (0..<count).map { _ in alphabet[Int(generator.next() % 23)] }
            let node = IPAddress(parsingNode: bytes.span)
            guard let address = IPAddress(parsing: bytes.span) else { continue }
            #expect(IPAddress(address.description) == address)
            #expect(node == address)
        }
    }

    @Test("an endpoint has brackets around IPv6")
    func endpoints() throws {
        let v6 = try #require(IPAddress("::1"))
        #expect(Endpoint(address: IPAddress(v4: 0x0102_0304), port: 80).description == "1.2.3.4:80")
        #expect(Endpoint(address: v6, port: 8080).description == "[::1]:8080")
    }

    @Test(
        "a prefix clears the bits behind it",
        arguments: [
            ("203.0.113.77", 32, 128, "203.0.113.77"), ("203.0.113.77", 24, 0, "203.0.113.0"),
            ("203.0.113.77", 0, 64, "0.0.0.0"), ("203.0.113.77", 31, 64, "203.0.113.76"),
            ("2001:db8:1:2:3:4:5:6", 0, 64, "2001:db8:1:2::"),
            ("2001:db8:1:2:3:4:5:6", 0, 65, "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff:4:5:6", 0, 72, "2001:db8:1:2:ff00::"),
            ("2001:db8:1:2:3:4:5:6", 32, 0, "::"), ("::ffff:10.1.2.3", 8, 128, "10.0.0.0"),
        ])
    func masks(text: String, v4: UInt8, v6: UInt8, expected: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.masked(v4: v4, v6: v6).description == expected)
    }
}

@Suite("networks")
struct NetworkTests {
    @Test(
        "a block holds the addresses that share its prefix",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false),
            ("10.9.8.7/8", "10.1.2.3", true), ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false), ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "2001:db8::1", true),
            ("fd00::/8", "fdff::1", true), ("fd00::/8", "fe00::1", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true), ("::ffff:10.0.0.0/104", "10.1.1.1", true),
            ("::1", "::1", true), ("192.0.2.0/31", "192.0.2.2", false),
        ])
    func contains(network: String, address: String, expected: Bool) throws {
        let block = try #require(IPNetwork(network))
        #expect(block.contains(try #require(IPAddress(address))) == expected)
    }

    @Test("whoever trusts every IPv6 address has said nothing about IPv4")
    func v6DoesNotCoverV4() throws {
        let everything = try #require(IPNetwork("::/0"))
        #expect(!everything.contains(IPAddress(v4: 0x0808_0808)))
    }

    @Test("bits behind the prefix make no other network")
    func hostBits() {
        #expect(IPNetwork("10.9.8.7/8") == IPNetwork("10.0.0.0/8"))
    }

    @Test(
        "a malformed block is refused",
        arguments: [
            "", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/8/8", "10.0.0.0/+8",
            "10.0.0.0/-1", "10.0.0.0/ 8", "10.0.0/8", "fd00::/1e1", "10.0.0.0/0008",
        ])
    func refused(text: String) {
        #expect(IPNetwork(text) == nil)
    }
}
