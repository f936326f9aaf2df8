/// What the Connection fields of a head ask for (RFC 9110 §7.6.1), read once.
public struct ConnectionOptions: Sendable, Equatable {
    /// 32: far more than anybody has fields to name; it bounds what `nominates` costs.
    public static var otherTokensMax: Int { 32 }

    public private(set) var close = false
    public private(set) var keepAlive = false
    public private(set) var upgrade = false
    public private(set) var te = false
    /// How many options are none of close, keep-alive, upgrade and TE: names of fields that end at
    /// this hop.
    public private(set) var otherTokenCount = 0

    /// Whether some field may be nominated at all; false for nearly every message.
    public var hasOtherTokens: Bool { otherTokenCount > 0 }

    /// - Throws: `tooManyConnectionOptions` beyond `otherTokensMax`.
    public init(_ fields: borrowing FieldSection, in bytes: Span<UInt8>) throws(ParseError) {
        var position = 0
        while let next = fields.position(of: .connection, from: position) {
            var list = TokenList(fields[next].value)
            while let token = list.next(in: bytes) {
                try add(bytes.extracting(token.offsets))
            }
            position = next + 1
        }
    }

    /// Whether the connection lasts beyond this message: `close` wins over `keep-alive`
    /// (RFC 9112 §9.3).
    public func persists(in version: HTTPVersion) -> Bool {
        !close && (version == .http11 || keepAlive)
    }

    /// Whether a field with this name was named as one that ends at this hop.
    ///
    /// To be asked of fields whose name is `.other` only. Fields with a case of their own are kept
    /// or dropped by rules of their own: whoever could nominate Content-Length or Host away would
    /// change what the message means. For TE, Upgrade and Keep-Alive the answer may be false.
    @inlinable
    public func nominates(
        _ name: Span<UInt8>, _ fields: FieldSection, in bytes: Span<UInt8>
    ) -> Bool {
        hasOtherTokens && isListed(name, fields, in: bytes)
    }

    @usableFromInline
    internal func isListed(
        _ name: Span<UInt8>, _ fields: FieldSection, in bytes: Span<UInt8>
    ) -> Bool {
        var position = 0
        while let next = fields.position(of: .connection, from: position) {
            var list = TokenList(fields[next].value)
            while let token = list.next(in: bytes) {
                if bytes.extracting(token.offsets).equalsIgnoringCase(name) { return true }
            }
            position = next + 1
        }
        return false
    }

    private mutating func add(_ token: Span<UInt8>) throws(ParseError) {
        if token.equalsIgnoringCase("close") {
            close = true
        } else if token.equalsIgnoringCase("keep-alive") {
            keepAlive = true
        } else if token.equalsIgnoringCase("upgrade") {
            upgrade = true
        } else if token.equalsIgnoringCase("te") {
            te = true
        } else {
            otherTokenCount += 1
            guard otherTokenCount <= ConnectionOptions.otherTokensMax else {
                throw .tooManyConnectionOptions
            }
        }
    }
}
