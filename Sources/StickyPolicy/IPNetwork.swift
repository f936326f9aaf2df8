/// A CIDR block.
public struct IPNetwork: Hashable, Sendable {
    public let address: IPAddress
    /// Leading bits that count, 0...128 in the mapped form: an IPv4 /8 is 104.
    public let prefixLength: UInt8

    public init(address: IPAddress, prefixLength: UInt8) {
        self.address = address
        self.prefixLength = prefixLength
    }
}
