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

    /// The address with all but its leading `prefixLength` bits cleared, counted in the mapped
    /// form: the whole of an IPv4 address is 128, too.
    public func masked(to prefixLength: UInt8) -> IPAddress {
        // Shifting a word by its width or more gives 0, which is the mask of an empty prefix.
        let highMask = UInt64.max << (64 - Int(min(prefixLength, 64)))
        let lowMask = UInt64.max << (128 - Int(min(max(prefixLength, 64), 128)))
        return IPAddress(high: high & highMask, low: low & lowMask)
    }

    /// The address cut to its network: `v4` leading bits (0...32) of an IPv4 address, `v6` leading
    /// bits (0...128) of another.
    public func masked(v4: UInt8, v6: UInt8) -> IPAddress {
        masked(to: isV4 ? 96 + min(v4, 32) : v6)
    }
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
