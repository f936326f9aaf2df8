/// `uri-host [ ":" port ]`: what Host, absolute form and authority form name
/// (RFC 9110 §7.2, RFC 3986 §3.2).
///
/// User information is refused everywhere: in a request it only serves to mislead
/// (RFC 9110 §4.2.4).
internal struct Authority {
    /// With its brackets when it is an IPv6 literal; empty exactly when the whole is empty.
    var host = ByteRange.empty
    /// The digits; empty also for a colon with nothing behind it, which means the same.
    var port = ByteRange.empty

    /// Nil when `range` does not hold an authority. Nothing at all is one: Host may be empty
    /// (RFC 9112 §3.2).
    static func parse(_ bytes: Span<UInt8>, _ range: ByteRange) -> Authority? {
        let start = Int(range.start)
        let end = Int(range.end)
        guard start < end else { return Authority() }
        let hostEnd: Int?
        if bytes[start] == ASCII.openBracket {
            hostEnd = literalEnd(bytes, from: start, to: end)
        } else {
            hostEnd = nameEnd(bytes, from: start, to: end)
        }
        guard let hostEnd, hostEnd > start else { return nil }
        let host = ByteRange(start, hostEnd)
        guard hostEnd < end else { return Authority(host: host) }
        let port = ByteRange(hostEnd + 1, end)
        guard bytes[hostEnd] == ASCII.colon, isPort(bytes, port) else { return nil }
        return Authority(host: host, port: port)
    }

    /// Whether two authorities are one under a scheme whose default port is `defaultPort`
    /// (RFC 3986 §6.2.2.1 and §6.2.3).
    static func areSame(
        _ first: Authority, _ second: Authority, defaultPort: UInt16?, in bytes: Span<UInt8>
    ) -> Bool {
        let firstHost = bytes.extracting(first.host.offsets)
        guard firstHost.equalsIgnoringCase(bytes.extracting(second.host.offsets)) else {
            return false
        }
        return (first.portNumber(in: bytes) ?? defaultPort)
            == (second.portNumber(in: bytes) ?? defaultPort)
    }

    /// Nil when no port is given. The port has been tested to fit.
    private func portNumber(in bytes: Span<UInt8>) -> UInt16? {
        guard !port.isEmpty else { return nil }
        var number: UInt16 = 0
        for offset in port.offsets {
            number = number &* 10 &+ UInt16(bytes[offset] &- 0x30)
        }
        return number
    }

    private static func isPort(_ bytes: Span<UInt8>, _ range: ByteRange) -> Bool {
        // Five digits at most, so that the sum cannot overflow.
        guard range.count <= 5 else { return false }
        var number: UInt32 = 0
        for offset in range.offsets {
            guard CharacterClass.isDigit(bytes[offset]) else { return false }
            number = number * 10 + UInt32(bytes[offset] - 0x30)
        }
        return number <= 65_535
    }

    /// The end of an IPv4 address or registered name, or nil for a wrong byte in it. Both are read
    /// alike: every dotted address is also a name by its grammar.
    private static func nameEnd(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int? {
        // It looks beyond the end, where the line or the target goes on, so that whole blocks are
        // at hand: what lies there is of no account.
        var offset = bytes.firstUncommonInHost(from: start)
        while offset < end {
            let byte = bytes[offset]
            if byte == ASCII.percent {
                // RFC 3986 §2.1.
                guard end - offset > 2, CharacterClass.hexValue(bytes[offset + 1]) != nil,
                    CharacterClass.hexValue(bytes[offset + 2]) != nil
                else { return nil }
                offset += 3
            } else if CharacterClass.isHostName(byte) {
                offset += 1
            } else {
                return byte == ASCII.colon ? offset : nil
            }
        }
        return end
    }

    /// The end of `[` IPv6address `]`, or nil. Plausible is enough: the literal is compared, never
    /// resolved. Zone identifiers and IPvFuture are refused, as no client sends them.
    private static func literalEnd(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int? {
        var colonCount = 0
        var groupLength = 0
        for offset in start + 1..<end {
            let byte = bytes[offset]
            if byte == ASCII.closeBracket {
                return (2...8).contains(colonCount) ? offset + 1 : nil
            }
            if byte == ASCII.colon {
                colonCount += 1
                groupLength = 0
            } else {
                // 15: `255.255.255.255`, which may stand for the last two groups.
                groupLength += 1
                guard byte == ASCII.dot || CharacterClass.hexValue(byte) != nil, groupLength <= 15
                else { return nil }
            }
        }
        return nil
    }
}
