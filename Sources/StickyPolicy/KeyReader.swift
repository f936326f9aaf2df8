internal import HTTPParser

/// Reads what a hash expression names out of requests, into a checksum and without allocation.
struct KeyReader: Sendable {
    private enum Part: Sendable {
        case text([UInt8])
        case remoteAddress
        case binaryRemoteAddress
        case requestURI
        case uri
        case host
        case query
        case method
        case capture(Int)
        case field([UInt8])
        case cookie(CookieScanner)
        case argument([UInt8])
    }

    private let parts: [Part]
    private let pattern: (any PatternMatcher)?

    init(_ expression: HashExpression) {
        pattern = expression.pattern?.matcher
        parts = expression.parts.map { part in
            switch part {
            case .text(let text): .text(Array(text.utf8))
            case .remoteAddress: .remoteAddress
            case .binaryRemoteAddress: .binaryRemoteAddress
            case .requestURI: .requestURI
            case .uri: .uri
            case .host: .host
            case .query: .query
            case .method: .method
            case .capture(let group): .capture(group)
            case .field(let name): .field(Array(name.utf8))
            case .cookie(let name): .cookie(CookieScanner(name: name))
            case .argument(let name): .argument(Array(name.utf8))
            }
        }
    }

    /// The CRC-32 of the text that the expression stands for; nil when every variable in it is
    /// empty: such requests have nothing in common but that.
    func key(of head: RequestHead, in bytes: Span<UInt8>, from client: IPAddress) -> UInt32? {
        var crc = CRC32()
        var isEmpty = true
        for index in parts.indices {
            if case .text(let text) = parts[index] {
                crc.combine(text)
            } else if add(parts[index], (head, client), in: bytes, to: &crc) {
                isEmpty = false
            }
        }
        return isEmpty ? nil : crc.value
    }

    /// False when the variable is empty.
    private func add(
        _ part: Part, _ request: (head: RequestHead, client: IPAddress), in bytes: Span<UInt8>,
        to crc: inout CRC32
    ) -> Bool {
        let head = request.head
        switch part {
        case .text: return false
        case .remoteAddress: crc.combine(request.client)
        case .binaryRemoteAddress: crc.combine(bytesOf: request.client)
        case .host: return addHost(head.host, in: bytes, to: &crc)
        case .uri: return addDecoded(head.path, in: bytes, to: &crc)
        case .requestURI: return add(head.target, in: bytes, to: &crc)
        case .query: return add(head.query, in: bytes, to: &crc)
        case .method: return add(head.methodRange, in: bytes, to: &crc)
        case .capture(let group):
            let path = bytes.extracting(head.path.offsets)
            guard let found = pattern?.capture(group, of: path), !found.isEmpty else {
                return false
            }
            crc.combine(path.extracting(found))
        case .field(let name):
            return add(RequestKey.field(name, head, in: bytes), in: bytes, to: &crc)
        case .cookie(let scanner):
            var cursor = CookieScanner.Cursor(in: head)
            return add(scanner.next(&cursor, head: head, in: bytes), in: bytes, to: &crc)
        case .argument(let name):
            let value = RequestKey.parameter(name, in: head.query, of: bytes, separator: 0x26)
            return add(value, in: bytes, to: &crc)
        }
        return true
    }

    private func add(_ range: ByteRange?, in bytes: Span<UInt8>, to crc: inout CRC32) -> Bool {
        guard let range, !range.isEmpty else { return false }
        crc.combine(bytes.extracting(range.offsets))
        return true
    }

    private func addHost(_ range: ByteRange, in bytes: Span<UInt8>, to crc: inout CRC32) -> Bool {
        for offset in range.offsets {
            let byte = bytes[offset]
            crc.combine(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)
        }
        return !range.isEmpty
    }

    /// A broken escape stands for itself.
    private func addDecoded(
        _ range: ByteRange, in bytes: Span<UInt8>, to crc: inout CRC32
    ) -> Bool {
        var offset = Int(range.start)
        while offset < Int(range.end) {
            if bytes[offset] == 0x25, offset + 2 < Int(range.end),
                let high = hexadecimal(bytes[offset + 1]), let low = hexadecimal(bytes[offset + 2])
            {
                crc.combine(high << 4 | low)
                offset += 3
            } else {
                crc.combine(bytes[offset])
                offset += 1
            }
        }
        return !range.isEmpty
    }
}

private func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
}

extension CRC32 {
    /// The address as text.
    fileprivate mutating func combine(_ address: IPAddress) {
        guard address.isV4 else { return combineGroups(of: address) }
        for index in 0..<4 {
            if index > 0 { combine(0x2E) }
            combine(decimal: address.v4Bits >> UInt32(8 * (3 - index)) & 0xFF)
        }
    }

    private mutating func combineGroups(of address: IPAddress) {
        var crc = self
        address.forEachByteOfGroups { crc.combine($0) }
        self = crc
    }

    /// The 4 or 16 bytes of the address, in network order.
    fileprivate mutating func combine(bytesOf address: IPAddress) {
        if !address.isV4 { combine(word: address.high) }
        combine(word: address.low, byteCount: address.isV4 ? 4 : 8)
    }

    private mutating func combine(word: UInt64, byteCount: UInt64 = 8) {
        for index in 0..<byteCount {
            combine(UInt8(truncatingIfNeeded: word >> (8 * (byteCount - 1 - index))))
        }
    }
}
