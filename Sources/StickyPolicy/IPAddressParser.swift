internal import HTTPParser

extension IPAddress {
    /// Reads the text form of one address: an IPv4 dotted quad, or IPv6 (RFC 4291 §2.2) with `::`
    /// and an IPv4 address in the last four bytes. Nil for anything else.
    ///
    /// A part of a dotted quad has no leading zero, since some readers take it for octal. There are
    /// no zone ids, ports, brackets or spaces.
    public init?(parsing bytes: Span<UInt8>) {
        // The longest form is six groups of four digits and a dotted quad: 45 bytes.
        guard bytes.count >= 2, bytes.count <= 45 else { return nil }
        guard bytes.firstIndex(of: Ascii.colon) != nil else {
            guard let bits = dottedQuad(bytes) else { return nil }
            self.init(v4: bits)
            return
        }
        var groups = GroupReader()
        guard groups.read(bytes), let address = groups.address else { return nil }
        self = address
    }

    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        self.init(parsing: bytes.span)
    }

    /// Reads an address as proxies write it into lists: bare, or in brackets, each with or without
    /// a port. The port is checked for digits and dropped.
    public init?(parsingNode bytes: Span<UInt8>) {
        guard bytes.count > 0, bytes.count <= 64 else { return nil }
        if bytes[0] == Ascii.openBracket {
            guard let close = bytes.firstIndex(of: Ascii.closeBracket),
                isPortOrNothing(bytes.extracting((close + 1)...))
            else { return nil }
            self.init(parsing: bytes.extracting(1..<close))
            return
        }
        // One colon separates an IPv4 address from its port; more of them make IPv6, which has no
        // port outside brackets.
        guard let colon = bytes.firstIndex(of: Ascii.colon),
            bytes.firstIndex(of: Ascii.colon, from: colon + 1) == nil
        else {
            self.init(parsing: bytes)
            return
        }
        guard isPortOrNothing(bytes.extracting(colon...)) else { return nil }
        self.init(parsing: bytes.extracting(..<colon))
    }
}

/// The bytes of the address grammars.
private enum Ascii {
    static var colon: UInt8 { 0x3A }
    static var dot: UInt8 { 0x2E }
    static var openBracket: UInt8 { 0x5B }
    static var closeBracket: UInt8 { 0x5D }

    static func digit(_ byte: UInt8) -> UInt32? {
        byte >= 0x30 && byte <= 0x39 ? UInt32(byte - 0x30) : nil
    }

    static func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
        if let digit = digit(byte) { return digit }
        let folded = byte | 0x20
        return folded >= 0x61 && folded <= 0x66 ? UInt32(folded - 0x61 + 10) : nil
    }
}

/// Whether `bytes` are empty, or a colon and one to five digits.
private func isPortOrNothing(_ bytes: Span<UInt8>) -> Bool {
    if bytes.isEmpty { return true }
    guard bytes[0] == Ascii.colon, bytes.count >= 2, bytes.count <= 6 else { return false }
    for index in 1..<bytes.count where Ascii.digit(bytes[index]) == nil { return false }
    return true
}

/// The number of an IPv4 address in dotted decimal; nil unless it is exactly that.
private func dottedQuad(_ bytes: Span<UInt8>) -> UInt32? {
    var address: UInt32 = 0
    var part: UInt32 = 0
    var digitCount = 0
    var partCount = 0
    for index in bytes.indices {
        if bytes[index] == Ascii.dot {
            guard digitCount > 0, partCount < 3 else { return nil }
            address = address << 8 | part
            partCount += 1
            part = 0
            digitCount = 0
            continue
        }
        guard let digit = Ascii.digit(bytes[index]), digitCount < 3 else { return nil }
        if digitCount > 0, part == 0 { return nil }
        part = part * 10 + digit
        digitCount += 1
        if part > 255 { return nil }
    }
    return partCount == 3 && digitCount > 0 ? address << 8 | part : nil
}

/// Collects the groups of an IPv6 address, and where `::` stood among them.
private struct GroupReader {
    private var bits: UInt128 = 0
    private var count = 0
    /// Groups in front of `::`; nil without one.
    private var countBeforeGap: Int?

    /// The address, when the groups make one: eight, or fewer with a gap that stands for the rest.
    var address: IPAddress? {
        var whole = bits
        if let before = countBeforeGap {
            // RFC 4291 §2.2: `::` stands for one or more groups, so not for none.
            guard count < 8 else { return nil }
            let behind = count - before
            let tail = behind == 0 ? 0 : bits & (UInt128.max >> UInt128(128 - 16 * behind))
            let head = bits >> UInt128(16 * behind)
            whole = head << UInt128(128 - 16 * before) | tail
        } else if count != 8 {
            return nil
        }
        return IPAddress(
            high: UInt64(truncatingIfNeeded: whole >> 64), low: UInt64(truncatingIfNeeded: whole))
    }

    /// Reads all of `bytes`; false when they are not groups separated by colons.
    mutating func read(_ bytes: Span<UInt8>) -> Bool {
        var index = 0
        while index < bytes.count {
            if isGap(at: index, in: bytes) {
                guard countBeforeGap == nil else { return false }
                countBeforeGap = count
                index += 2
                continue
            }
            if index > 0, bytes[index] == Ascii.colon {
                // A single colon stands behind a group and in front of another.
                guard bytes[index - 1] != Ascii.colon, index + 1 < bytes.count else { return false }
                index += 1
            }
            guard let end = readGroup(at: index, in: bytes) else { return false }
            index = end
        }
        return true
    }

    private func isGap(at index: Int, in bytes: Span<UInt8>) -> Bool {
        index + 1 < bytes.count && bytes[index] == Ascii.colon && bytes[index + 1] == Ascii.colon
    }

    /// Reads one group, or the dotted quad at the end, and says where it ends.
    private mutating func readGroup(at start: Int, in bytes: Span<UInt8>) -> Int? {
        var group: UInt32 = 0
        var index = start
        while index < bytes.count, let digit = Ascii.hexadecimalDigit(bytes[index]) {
            guard index - start < 4 else { return nil }
            group = group << 4 | digit
            index += 1
        }
        guard index > start, count < 8 else { return nil }
        if index < bytes.count, bytes[index] == Ascii.dot {
            guard count <= 6, let quad = dottedQuad(bytes.extracting(start...)) else { return nil }
            append(quad >> 16)
            append(quad & 0xFFFF)
            return bytes.count
        }
        guard index == bytes.count || bytes[index] == Ascii.colon else { return nil }
        append(group)
        return index
    }

    private mutating func append(_ group: UInt32) {
        bits = bits << 16 | UInt128(group)
        count += 1
    }
}
