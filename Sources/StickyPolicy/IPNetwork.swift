/// A CIDR block.
public struct IPNetwork: Hashable, Sendable {
    /// The first address of the block: the bits behind the prefix are clear.
    public let address: IPAddress
    /// Leading bits that count, 0...128 in the mapped form: an IPv4 /8 is 104.
    public let prefixLength: UInt8

    /// Bits behind the prefix are cleared, and a longer prefix than 128 is 128.
    public init(address: IPAddress, prefixLength: UInt8) {
        self.prefixLength = min(prefixLength, 128)
        self.address = address.masked(to: self.prefixLength)
    }

    /// Reads `10.0.0.0/8`, `fd00::/8`, or an address alone, which is a block of one.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])) else { return nil }
        guard parts.count == 2 else {
            self.init(address: address, prefixLength: 128)
            return
        }
        // The mapped text form `::ffff:10.0.0.0/104` counts its bits as IPv6 does.
        let isV6 = parts[0].utf8.contains(0x3A)
        let digits = parts[1].utf8
        guard digits.count <= 3, digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let length = UInt8(parts[1]), length <= (isV6 ? 128 : 32)
        else { return nil }
        self.init(address: address, prefixLength: isV6 ? length : 96 + length)
    }

    /// Whether `candidate` is of this block.
    ///
    /// An IPv6 block holds no IPv4 address, though the mapped forms lie within `::/0`: whoever
    /// trusts every IPv6 address has not said a word about IPv4.
    public func contains(_ candidate: IPAddress) -> Bool {
        candidate.masked(to: prefixLength) == address
            && (prefixLength >= 96 || !candidate.isV4)
    }
}
