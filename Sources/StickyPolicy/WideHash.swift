/// 128 bits that stand for a text of any length, the same in every process.
struct WideHash: Sendable {
    let high: UInt64
    let low: UInt64

    init(_ text: Span<UInt8>) {
        var first = SipHash(key: (0, 0))
        var second = SipHash(key: (0x6C65_6172, 0x6E65_6421))
        first.combine(text)
        second.combine(text)
        high = first.finalize()
        low = second.finalize()
    }

    /// As the session table keeps it: there an address is any 128 bits.
    var address: IPAddress { IPAddress(high: high, low: low) }
}
