/// An IPv4 or IPv6 address as 128 bits; IPv4 is kept in its IPv4-mapped form, so that
/// `::ffff:192.0.2.1` and `192.0.2.1` are one address.
@frozen
public struct IPAddress: Hashable, Sendable {
    /// The bytes 0...7 in network order, read as a number.
    public var high: UInt64
    /// The bytes 8...15.
    public var low: UInt64

    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// An IPv4 address from its four bytes, read as a number.
    @inlinable
    public init(v4 bits: UInt32) {
        self.init(high: 0, low: 0x0000_FFFF_0000_0000 | UInt64(bits))
    }

    @inlinable
    public var isV4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// The last four bytes: the IPv4 address, where `isV4`.
    @inlinable
    public var v4Bits: UInt32 { UInt32(truncatingIfNeeded: low) }
}

/// An address and a port.
public struct Endpoint: Hashable, Sendable {
    public var address: IPAddress
    public var port: UInt16

    public init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }
}
