/// What `upstream-hash-by` hashes: nginx variables and text between them.
public struct HashExpression: Sendable, Equatable {
    public enum Part: Sendable, Equatable {
        case text(String)
        /// The resolved address of the client, as text.
        case remoteAddress
        /// The same in its 4 or 16 bytes.
        case binaryRemoteAddress
        /// Path and query as they were sent.
        case requestURI
        /// The path, percent-decoded, without dot segments and repeated slashes.
        case uri
        /// The query without its question mark.
        case query
        case method
        /// `?` before a query, and nothing where there is none.
        case queryMark
        /// The request line as it was sent.
        case requestLine
        case protocolVersion
        /// `http` or `https`, as the client's connection is.
        case scheme
        /// The host of the route as its rule has it.
        case serverName
        /// Where the client's connection arrived.
        case serverPort
        /// A group of the pattern that is the route's path, 1...9.
        case capture(Int)
        /// In lower case, without port.
        case host
        /// A request field by its name.
        case field(String)
        case cookie(String)
        case argument(String)
    }

    public var parts: [Part]
    /// Whose groups `capture` means; nil for a route whose path is no pattern.
    public var pattern: PathPattern?
    /// What `serverName` stands for.
    public var serverName = ""

    public init(parts: [Part]) {
        self.parts = parts
    }

    /// Whether it needs to know the pattern.
    public var hasCaptures: Bool {
        parts.contains { if case .capture = $0 { true } else { false } }
    }

    /// Whether it needs to know the host of its route.
    public var hasServerName: Bool { parts.contains(.serverName) }

    /// Why an expression cannot be read.
    public enum Fault: Error, Equatable {
        /// Only letters, digits and `- _ $ { }` are allowed, as in ingress-nginx.
        case character
        /// A `$` or a brace that belongs to no name.
        case form
        case unknownVariable(String)
    }

    /// - Parameter skipsUnknown: a variable that there is not contributes nothing, as in
    ///   ingress-nginx, and is no fault.
    public init(_ text: String, skipsUnknown: Bool = false) throws(Fault) {
        parts = []
        var rest = Array(text.utf8)[...]
        var literal: [UInt8] = []
        while let byte = rest.first {
            guard Self.isAllowed(byte) else { throw .character }
            rest.removeFirst()
            guard byte == UInt8(ascii: "$") else {
                literal.append(byte)
                continue
            }
            if !literal.isEmpty { parts.append(.text(String(decoding: literal, as: UTF8.self))) }
            literal = []
            do throws(Fault) {
                parts.append(try Self.part(try Self.variableName(&rest)))
            } catch {
                guard skipsUnknown, case .unknownVariable = error else { throw error }
            }
        }
        guard !literal.contains(where: { $0 == 0x7B || $0 == 0x7D }) else { throw .form }
        if !literal.isEmpty { parts.append(.text(String(decoding: literal, as: UTF8.self))) }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        // - _ $ { }
        case 0x2D, 0x5F, 0x24, 0x7B, 0x7D: true
        default: isNameByte(byte)
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x41...0x5A, 0x30...0x39, 0x5F: true
        default: false
        }
    }

    /// Reads the name behind a `$`, with or without braces.
    private static func variableName(_ rest: inout ArraySlice<UInt8>) throws(Fault) -> String {
        let hasBraces = rest.first == 0x7B
        if hasBraces { rest.removeFirst() }
        let name = rest.prefix(while: isNameByte)
        rest = rest.dropFirst(name.count)
        if hasBraces {
            guard rest.first == 0x7D else { throw .form }
            rest.removeFirst()
        }
        guard !name.isEmpty else { throw .form }
        return String(decoding: name, as: UTF8.self)
    }

    private static func part(_ name: String) throws(Fault) -> Part {
        switch name {
        case "remote_addr": return .remoteAddress
        case "binary_remote_addr": return .binaryRemoteAddress
        case "request_uri": return .requestURI
        case "uri", "document_uri": return .uri
        case "host": return .host
        case "args", "query_string": return .query
        case "request_method": return .method
        case "is_args": return .queryMark
        case "request": return .requestLine
        case "server_protocol": return .protocolVersion
        case "scheme": return .scheme
        case "server_name": return .serverName
        case "server_port": return .serverPort
        case "content_type": return .field("content-type")
        case "content_length": return .field("content-length")
        default: break
        }
        for (prefix, make) in prefixes where name.hasPrefix(prefix) && name.count > prefix.count {
            return make(String(name.dropFirst(prefix.count)))
        }
        if name.utf8.count == 1, let group = Int(name), group > 0 { return .capture(group) }
        throw .unknownVariable(name)
    }

    private static var prefixes: [(String, (String) -> Part)] {
        [
            ("http_", { .field(String($0.lowercased().map { $0 == "_" ? "-" : $0 })) }),
            ("cookie_", { .cookie($0) }), ("arg_", { .argument($0) }),
        ]
    }
}

/// The pattern that is a route's path.
public struct PathPattern: Sendable, Equatable {
    let text: String
    let matcher: any PatternMatcher

    /// - Parameter matcher: `text`, compiled.
    public init(_ text: String, matcher: any PatternMatcher) {
        self.text = text
        self.matcher = matcher
    }

    public static func == (left: PathPattern, right: PathPattern) -> Bool {
        left.text == right.text
    }
}
