package import HTTPParser
package import StickyPolicy

/// The client that a PROXY header names. From then on it counts as the peer of the connection.
package struct ProxiedPeer: Equatable, Sendable {
    package let address: IPAddress
    /// The port that the client connected to, which is told as X-Forwarded-Port.
    package let localPort: UInt16

    /// Nil when an address is not what its family says.
    package init?(_ endpoints: ProxyProtocolEndpoints, in bytes: Span<UInt8>) {
        guard let source = ProxiedPeer.address(endpoints.source, in: bytes),
            ProxiedPeer.address(endpoints.destination, in: bytes) != nil
        else { return nil }
        address = source
        localPort = endpoints.destinationPort
    }

    private static func address(
        _ address: ProxyProtocolAddress, in bytes: Span<UInt8>
    ) -> IPAddress? {
        switch address {
        case .v4(let bits): IPAddress(v4: bits)
        case .v6(let high, let low): IPAddress(high: high, low: low)
        case .v4Text(let range): parse(bytes.extracting(range.offsets), isV6: false)
        case .v6Text(let range): parse(bytes.extracting(range.offsets), isV6: true)
        }
    }

    private static func parse(_ text: Span<UInt8>, isV6: Bool) -> IPAddress? {
        let hasColon = text.indices.contains { text[$0] == UInt8(ascii: ":") }
        return hasColon == isV6 ? IPAddress(parsing: text) : nil
    }
}
