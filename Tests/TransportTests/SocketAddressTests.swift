import Testing

@testable import Transport

@Suite("Socket addresses")
struct SocketAddressTests {
    @Test(
        "an address reads as people write it",
        arguments: [
            (SocketAddress(high: 0, low: 0xFFFF_C000_0201, port: 80), "192.0.2.1:80"),
            (SocketAddress(high: 0x2001_0DB8_0000_0000, low: 1, port: 443), "[2001:db8::1]:443"),
            (SocketAddress(high: 0, low: 0, port: 65_535), "[::]:65535"),
        ])
    func description(address: SocketAddress, text: String) {
        #expect(address.description == text)
    }

    @Test(
        "the IPv4-mapped form, and only it, is IPv4",
        arguments: [
            (0, 0xFFFF_7F00_0001, true), (0, 0x7F00_0001, false), (1, 0xFFFF_7F00_0001, false),
            (0, 0x1_FFFF_7F00_0001, false),
        ] as [(UInt64, UInt64, Bool)])
    func mapped(high: UInt64, low: UInt64, isIPv4: Bool) {
        #expect(SocketAddress(high: high, low: low, port: 1).isIPv4 == isIPv4)
    }

    @Test("a path must fit the kernel's form, and end where it ends")
    func path() {
        #expect(SocketAddress.unix("/run/x.sock")?.path == "/run/x.sock")
        #expect(SocketAddress.unix("/run/x.sock")?.low == nil)
        #expect(SocketAddress.unix(String(repeating: "a", count: 107)) != nil)
        #expect(SocketAddress.unix(String(repeating: "a", count: 108)) == nil)
        #expect(SocketAddress.unix("") == nil)
        #expect(SocketAddress.unix("a\0b") == nil)
    }

    @Test(
        "the kernel gives back the address it was given", arguments: [loopback(), loopbackIPv6()])
    func roundTrip(address: SocketAddress) throws {
        let listening = try openListening(at: address)
        let bound = try #require(listening.address)
        #expect(bound.high == address.high)
        #expect(bound.low == address.low)
        #expect(bound.port != 0)
    }
}
