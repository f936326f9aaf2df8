internal import HTTPParser

/// One element of the Forwarded field (RFC 7239 §4): pairs between semicolons.
enum ForwardedElement {
    /// The address in its `for` pair; nil when there is none, or it is `unknown` or a made-up name
    /// (RFC 7239 §6).
    static func address(in element: Span<UInt8>) -> IPAddress? {
        var start = 0
        while start < element.count {
            let end = element.firstIndex(of: 0x3B, from: start) ?? element.count
            let pair = element.extracting(element.trimmed(start..<end))
            if pair.count > 4, pair.extracting(..<4).equalsIgnoringCase("for=") {
                return IPAddress(parsingNode: pair.extracting(value(of: pair, from: 4)))
            }
            start = end + 1
        }
        return nil
    }

    /// An IPv6 address is quoted, as its colons are no token characters.
    private static func value(of pair: Span<UInt8>, from start: Int) -> Range<Int> {
        let isQuoted =
            pair.count >= start + 2 && pair[start] == 0x22 && pair[pair.count - 1] == 0x22
        return isQuoted ? start + 1..<pair.count - 1 : start..<pair.count
    }
}
