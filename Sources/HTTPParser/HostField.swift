/// The rules for Host (RFC 9112 §3.2): the field that decides which site a request is for, and so
/// the one that must not be read in two ways.
internal enum HostField {
    /// Tests Host against the rules and, unless the target named an authority itself, makes it the
    /// authority of `head`.
    static func apply(
        to head: inout RequestHead, named: NamedAuthority?, in bytes: Span<UInt8>
    ) throws(ParseError) {
        guard let field = head.fields.first(.host) else {
            // RFC 9112 §3.2: 400 for HTTP/1.1; HTTP/1.0 knew no Host.
            guard head.version == .http10 else { throw .missingHost }
            return
        }
        // Refused even when they are equal: a proxy in front may have routed by either.
        guard !head.fields.isRepeated(.host) else { throw .repeatedHost }
        guard let host = Authority.parse(bytes, field.value) else { throw .invalidHost }
        guard let named else {
            head.authority = field.value
            head.host = host.host
            return
        }
        // RFC 9112 §3.2.2 lets the target win; but whoever sends two names means mischief.
        guard
            Authority.areSame(
                named.authority, host, defaultPort: named.defaultPort, in: bytes)
        else { throw .hostMismatch }
    }
}
