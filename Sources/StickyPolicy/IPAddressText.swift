public import HTTPParser

extension IPAddress: CustomStringConvertible {
    public var description: String {
        var writer = ByteWriter(capacity: 48)
        append(to: &writer)
        return String(decoding: writer.copyBytes(), as: UTF8.self)
    }

    /// Appends the address as text: a dotted quad, or IPv6 in the one form of RFC 5952.
    public func append(to writer: inout ByteWriter) {
        if isV4 {
            appendDottedQuad(to: &writer)
        } else {
            appendGroups(to: &writer)
        }
    }

    private func appendDottedQuad(to writer: inout ByteWriter) {
        for index in 0..<4 {
            if index > 0 { writer.append(0x2E) }
            writer.append(decimal: UInt64(v4Bits >> UInt32(8 * (3 - index)) & 0xFF))
        }
    }

    private func appendGroups(to writer: inout ByteWriter) {
        forEachByteOfGroups { writer.append($0) }
    }

    /// The text of an IPv6 address, a byte at a time.
    func forEachByteOfGroups(_ body: (UInt8) -> Void) {
        let gap = longestZeroRun()
        var index = 0
        while index < 8 {
            if index == gap.start, gap.count >= 2 {
                body(0x3A)
                body(0x3A)
                index += gap.count
                continue
            }
            if index > 0, gap.count < 2 || index != gap.start + gap.count { body(0x3A) }
            forEachDigit(of: group(index), body)
            index += 1
        }
    }

    /// In lower case, without leading zeros (RFC 5952 §4.1 and §4.3).
    private func forEachDigit(of group: UInt64, _ body: (UInt8) -> Void) {
        let digitCount = max(1, (67 - group.leadingZeroBitCount) / 4)
        for position in stride(from: digitCount - 1, through: 0, by: -1) {
            let digit = UInt8(truncatingIfNeeded: group >> UInt64(4 * position) & 0xF)
            body(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
    }

    private func group(_ index: Int) -> UInt64 {
        let word = index < 4 ? high : low
        return word >> UInt64(16 * (3 - index % 4)) & 0xFFFF
    }

    /// RFC 5952 §4.2: the longest run of zero groups is shortened, the first of equal ones, and
    /// never a single group.
    private func longestZeroRun() -> (start: Int, count: Int) {
        var best = (start: 8, count: 0)
        var count = 0
        for index in 0..<8 {
            count = group(index) == 0 ? count + 1 : 0
            if count > best.count { best = (index + 1 - count, count) }
        }
        return best
    }
}

extension Endpoint: CustomStringConvertible {
    /// `192.0.2.1:80` or `[2001:db8::1]:80`.
    public var description: String {
        address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }
}
