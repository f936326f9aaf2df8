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
        case queryMark
        case requestLine
        case protocolVersion
        case scheme
        case serverName([UInt8])
        case serverPort
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
            case .queryMark: .queryMark
            case .requestLine: .requestLine
            case .protocolVersion: .protocolVersion
            case .scheme: .scheme
            case .serverName: .serverName(Array(expression.serverName.utf8))
            case .serverPort: .serverPort
            case .capture(let group): .capture(group)
            case .field(let name): .field(Array(name.utf8))
            case .cookie(let name): .cookie(CookieScanner(name: name, ignoresCase: true))
            case .argument(let name): .argument(Array(name.utf8))
            }
        }
    }

    /// The CRC-32 of the text that the expression stands for; nil when every variable in it is
    /// empty: such requests have nothing in common but that.
    func key(of head: RequestHead, in bytes: Span<UInt8>, from client: ClientFacts) -> UInt32? {
        var key = Key(client: client)
        for index in parts.indices { add(parts[index], head, in: bytes, to: &key) }
        return key.isEmpty ? nil : key.crc.value
    }

    /// What is read of a key so far.
    private struct Key {
        let client: ClientFacts
        var crc = CRC32()
        /// Of variables; text that is the same in every request does not count.
        var isEmpty = true
        /// Of the path: found once, however many of them the expression names.
        var groups: PatternGroups??
    }

    private func add(
        _ part: Part, _ head: RequestHead, in bytes: Span<UInt8>, to key: inout Key
    ) {
        switch part {
        case .text(let text): key.crc.combine(text)
        case .remoteAddress, .binaryRemoteAddress, .scheme, .serverPort:
            addConnection(part, to: &key)
        case .serverName(let name): add(name.span, to: &key)
        case .host: addHost(head.host, in: bytes, to: &key)
        case .uri: addPath(head.path, in: bytes, to: &key)
        case .requestURI: add(head.target, in: bytes, to: &key)
        case .query: add(head.query, in: bytes, to: &key)
        case .method: add(head.methodRange, in: bytes, to: &key)
        case .queryMark: if !head.query.isEmpty { add(Self.questionMark.span, to: &key) }
        case .requestLine: addRequestLine(head, in: bytes, to: &key)
        case .protocolVersion: add(Self.text(of: head.version).span, to: &key)
        case .capture(let group): addGroup(group, of: head.path, in: bytes, to: &key)
        case .field(let name): add(RequestKey.field(name, head, in: bytes), in: bytes, to: &key)
        case .cookie(let scanner):
            var cursor = CookieScanner.Cursor(in: head)
            add(scanner.next(&cursor, head: head, in: bytes), in: bytes, to: &key)
        case .argument(let name):
            let value = RequestKey.parameter(name, in: head.query, of: bytes, separator: 0x26)
            add(value, in: bytes, to: &key)
        }
    }

    private func addConnection(_ part: Part, to key: inout Key) {
        key.isEmpty = false
        switch part {
        case .remoteAddress: key.crc.combine(key.client.address)
        case .binaryRemoteAddress: key.crc.combine(bytesOf: key.client.address)
        case .scheme: key.crc.combine(key.client.isSecure ? Self.https : Self.http)
        default: key.crc.combine(decimal: UInt32(key.client.localPort))
        }
    }

    private static let http = Array("http".utf8)
    private static let https = Array("https".utf8)
    private static let http10 = Array("HTTP/1.0".utf8)
    private static let http11 = Array("HTTP/1.1".utf8)
    private static let questionMark = Array("?".utf8)

    private static func text(of version: HTTPVersion) -> [UInt8] {
        version == .http10 ? http10 : http11
    }

    private func addRequestLine(
        _ head: RequestHead, in bytes: Span<UInt8>, to key: inout Key
    ) {
        add(head.methodRange, in: bytes, to: &key)
        key.crc.combine(0x20)
        add(head.target, in: bytes, to: &key)
        key.crc.combine(0x20)
        key.crc.combine(Self.text(of: head.version))
    }

    private func add(_ text: Span<UInt8>, to key: inout Key) {
        guard !text.isEmpty else { return }
        key.isEmpty = false
        key.crc.combine(text)
    }

    private func add(_ range: ByteRange?, in bytes: Span<UInt8>, to key: inout Key) {
        guard let range else { return }
        add(bytes.extracting(range.offsets), to: &key)
    }

    private func addHost(_ range: ByteRange, in bytes: Span<UInt8>, to key: inout Key) {
        for offset in range.offsets {
            let byte = bytes[offset]
            key.crc.combine(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)
        }
        if !range.isEmpty { key.isEmpty = false }
    }

    private func addPath(_ range: ByteRange, in bytes: Span<UInt8>, to key: inout Key) {
        let path = bytes.extracting(range.offsets)
        guard !path.isPlainPath else { return add(path, to: &key) }
        add(NormalPath.bytes(of: path).span, to: &key)
    }

    /// The pattern was matched against the path as `$uri` has it.
    private func addGroup(
        _ group: Int, of range: ByteRange, in bytes: Span<UInt8>, to key: inout Key
    ) {
        let path = bytes.extracting(range.offsets)
        guard !path.isPlainPath else { return addGroup(group, of: path, to: &key) }
        addGroup(group, of: NormalPath.bytes(of: path).span, to: &key)
    }

    private func addGroup(_ group: Int, of path: Span<UInt8>, to key: inout Key) {
        if key.groups == nil { key.groups = .some(pattern?.groups(of: path)) }
        guard case .some(.some(let groups)) = key.groups else { return }
        add(path.extracting(groups[group]), to: &key)
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
