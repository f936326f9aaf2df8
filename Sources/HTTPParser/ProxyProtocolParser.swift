/// Reads the header with which a proxy in front of us says whom it speaks for: the PROXY protocol,
/// versions 1 and 2 (proxy-protocol.txt of HAProxy, §2).
///
/// The header is read again from its first byte whenever more of it has come: it is short, and
/// every wrong byte is refused as soon as it is there. Who may send one is for others to decide.
public enum ProxyProtocolParser {
    /// §2.1: the longest line of version 1 with its CRLF.
    public static var textBytesMax: Int { 107 }
    /// 4 KiB behind the sixteen bytes of version 2: addresses take 36, and a chain of TLVs with a
    /// client's certificate names a few hundred.
    public static var bytesMax: Int { binaryStartBytes + 4096 }

    private static var binaryStartBytes: Int { 16 }

    /// The header at the start of `bytes`, or nil when it is not whole yet. Its ranges are offsets
    /// into these `bytes`.
    public static func parse(
        _ bytes: Span<UInt8>
    ) throws(ProxyProtocolError) -> ProxyProtocolHeader? {
        guard !bytes.isEmpty else { return nil }
        switch bytes[0] {
        case ASCII.carriageReturn: return try parseBinary(bytes)
        case UInt8(ascii: "P"): return try parseText(bytes)
        default: throw .noSignature
        }
    }
}

// Version 2 (§2.2).
extension ProxyProtocolParser {
    /// CR LF CR LF NUL CR LF "QUIT" LF, in two words.
    private static var signature: (UInt64, UInt32) { (0x0D0A_0D0A_000D_0A51, 0x5549_540A) }

    private static func parseBinary(
        _ bytes: Span<UInt8>
    ) throws(ProxyProtocolError) -> ProxyProtocolHeader? {
        for offset in 0..<min(bytes.count, 12) {
            let expected =
                offset < 8
                ? signature.0 >> UInt64(56 - 8 * offset)
                : UInt64(signature.1) >> UInt64(24 - 8 * (offset - 8))
            guard bytes[offset] == UInt8(truncatingIfNeeded: expected) else { throw .noSignature }
        }
        // Version 2 with the command LOCAL or PROXY; anything else "must be rejected".
        guard bytes.count > 12 else { return nil }
        guard bytes[12] == 0x20 || bytes[12] == 0x21 else { throw .malformed }
        guard bytes.count > 13 else { return nil }
        // Families 0...3, transports 0...2.
        guard bytes[13] >> 4 <= 3, bytes[13] & 0x0F <= 2 else { throw .malformed }
        guard bytes.count >= binaryStartBytes else { return nil }
        let byteCount = binaryStartBytes + Int(number(bytes, 14, 2))
        guard byteCount <= bytesMax else { throw .tooLong }
        guard bytes.count >= byteCount else { return nil }
        return ProxyProtocolHeader(
            byteCount: byteCount,
            endpoints: try binaryEndpoints(bytes.extracting(..<byteCount)))
    }

    /// What follows the addresses are TLVs: whatever they say is passed over.
    private static func binaryEndpoints(
        _ header: Span<UInt8>
    ) throws(ProxyProtocolError) -> ProxyProtocolEndpoints? {
        // LOCAL: the sender's own connection, such as a health check.
        guard header[12] == 0x21 else { return nil }
        switch header[13] {
        case 0x11:
            guard header.count >= 28 else { throw .malformed }
            return ProxyProtocolEndpoints(
                source: .v4(UInt32(number(header, 16, 4))),
                destination: .v4(UInt32(number(header, 20, 4))),
                sourcePort: UInt16(number(header, 24, 2)),
                destinationPort: UInt16(number(header, 26, 2)))
        case 0x21:
            guard header.count >= 52 else { throw .malformed }
            return ProxyProtocolEndpoints(
                source: .v6(high: number(header, 16, 8), low: number(header, 24, 8)),
                destination: .v6(high: number(header, 32, 8), low: number(header, 40, 8)),
                sourcePort: UInt16(number(header, 48, 2)),
                destinationPort: UInt16(number(header, 50, 2)))
        // Unknown, UNIX and datagrams: no address of a TCP client, so our own peer stands.
        default: return nil
        }
    }

    /// A number of at most eight bytes in network order.
    private static func number(_ bytes: Span<UInt8>, _ start: Int, _ count: Int) -> UInt64 {
        var result: UInt64 = 0
        for offset in start..<start + count { result = result << 8 | UInt64(bytes[offset]) }
        return result
    }
}

// Version 1 (§2.1).
extension ProxyProtocolParser {
    private static func parseText(
        _ bytes: Span<UInt8>
    ) throws(ProxyProtocolError) -> ProxyProtocolHeader? {
        guard let end = try textEnd(bytes) else { return nil }
        let line = bytes.extracting(..<end)
        var words = TextWords(position: 6, end: end)
        let family = try words.next(in: line)
        // The rest of such a line is ignored, whatever it is.
        if line.extracting(family.offsets).equals("UNKNOWN") {
            return ProxyProtocolHeader(byteCount: end + 2, endpoints: nil)
        }
        let isV6 = line.extracting(family.offsets).equals("TCP6")
        guard isV6 || line.extracting(family.offsets).equals("TCP4") else { throw .malformed }
        let source = try words.next(in: line)
        let destination = try words.next(in: line)
        let sourcePort = try port(line.extracting(try words.next(in: line).offsets))
        let destinationPort = try port(line.extracting(try words.next(in: line).offsets))
        guard words.isAtEnd else { throw .malformed }
        return ProxyProtocolHeader(
            byteCount: end + 2,
            endpoints: ProxyProtocolEndpoints(
                source: isV6 ? .v6Text(source) : .v4Text(source),
                destination: isV6 ? .v6Text(destination) : .v4Text(destination),
                sourcePort: sourcePort, destinationPort: destinationPort))
    }

    /// Where the CRLF begins; nil when it has not come yet.
    private static func textEnd(_ bytes: Span<UInt8>) throws(ProxyProtocolError) -> Int? {
        let name: StaticString = "PROXY "
        let start = min(bytes.count, name.utf8CodeUnitCount)
        for offset in 0..<start {
            // SAFETY: `offset` is below the count of the literal, which lives for ever.
            guard unsafe bytes[offset] == name.utf8Start[offset] else { throw .noSignature }
        }
        var end = start
        while end < bytes.count, bytes[end] != ASCII.carriageReturn {
            guard bytes[end] >= 0x20, bytes[end] < 0x7F else { throw .malformed }
            end += 1
            // The CRLF would not fit any more.
            guard end <= textBytesMax - 2 else { throw .tooLong }
        }
        guard end + 1 < bytes.count else { return nil }
        guard bytes[end + 1] == ASCII.lineFeed else { throw .malformed }
        return end
    }

    /// Decimal, up to 65535, without a leading zero.
    private static func port(_ digits: Span<UInt8>) throws(ProxyProtocolError) -> UInt16 {
        guard digits.count <= 5, digits.count == 1 || digits[0] != 0x30 else { throw .malformed }
        var port = 0
        for offset in 0..<digits.count {
            guard CharacterClass.isDigit(digits[offset]) else { throw .malformed }
            port = port * 10 + Int(digits[offset] - 0x30)
        }
        guard port <= UInt16.max else { throw .malformed }
        return UInt16(port)
    }
}

/// The words of a line, with exactly one space between each two.
private struct TextWords {
    var position: Int
    let end: Int

    /// The space behind the last word has not been passed.
    var isAtEnd: Bool { position == end + 1 }

    mutating func next(in line: Span<UInt8>) throws(ProxyProtocolError) -> ByteRange {
        let start = position
        while position < end, line[position] != ASCII.space { position += 1 }
        guard position > start else { throw .malformed }
        let word = ByteRange(start, position)
        position += 1
        return word
    }
}
