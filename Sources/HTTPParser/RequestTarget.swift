/// The four forms of a request target, and whom the request is for (RFC 9112 §3.2, §3.3).
///
/// The bytes of a target are any visible ASCII but `#`. RFC 3986 allows fewer, but browsers and
/// tools do send `|`, `"`, `{`, `}`, `[`, `]`, `^`, `\` and `` ` `` raw, and no two parsers
/// disagree about where a target with them ends. A fragment is never sent (RFC 9110 §7.1), and what
/// is not ASCII has to be percent-encoded: both are refused.
internal enum RequestTarget {
    /// Sets form, path and authority of `head`, whose method, target and query have been read.
    /// Returns the authority that the target itself names, if it names one.
    static func resolve(
        _ head: inout RequestHead, in bytes: Span<UInt8>
    ) throws(ParseError) -> NamedAuthority? {
        let start = Int(head.target.start)
        // Where the path ends: before the query or with the target.
        let end = head.query.start > 0 ? Int(head.query.start) - 1 : Int(head.target.end)
        head.authority = .empty
        head.host = .empty
        if head.method == .connect {
            return try resolveAuthorityForm(&head, in: bytes)
        }
        head.path = ByteRange(start, end)
        if bytes[start] == ASCII.slash {
            head.targetForm = .origin
            return nil
        }
        if head.method == .options, head.target.count == 1, bytes[start] == ASCII.asterisk {
            head.targetForm = .asterisk
            return nil
        }
        return try resolveAbsoluteForm(&head, pathEnd: end, in: bytes)
    }

    /// `CONNECT host:port` (RFC 9112 §3.2.3): the port must be there.
    private static func resolveAuthorityForm(
        _ head: inout RequestHead, in bytes: Span<UInt8>
    ) throws(ParseError) -> NamedAuthority {
        guard let authority = Authority.parse(bytes, head.target), !authority.port.isEmpty else {
            throw .invalidTarget
        }
        head.targetForm = .authority
        head.path = .empty
        head.authority = head.target
        head.host = authority.host
        return NamedAuthority(authority: authority, defaultPort: nil)
    }

    /// `http://host:port/path` (RFC 9112 §3.2.2).
    private static func resolveAbsoluteForm(
        _ head: inout RequestHead, pathEnd: Int, in bytes: Span<UInt8>
    ) throws(ParseError) -> NamedAuthority {
        let start = Int(head.target.start)
        guard let scheme = scheme(bytes.extracting(start..<pathEnd)) else { throw .invalidTarget }
        let authorityStart = start + scheme.byteCount
        var authorityEnd = authorityStart
        while authorityEnd < pathEnd, bytes[authorityEnd] != ASCII.slash { authorityEnd += 1 }
        let range = ByteRange(authorityStart, authorityEnd)
        // RFC 9110 §4.2.1: an http URI without a host is invalid.
        guard let authority = Authority.parse(bytes, range), !authority.host.isEmpty else {
            throw .invalidTarget
        }
        head.targetForm = .absolute
        head.path = authorityEnd < pathEnd ? ByteRange(authorityEnd, pathEnd) : .empty
        head.authority = range
        head.host = authority.host
        return NamedAuthority(authority: authority, defaultPort: scheme.defaultPort)
    }

    private static func scheme(
        _ target: Span<UInt8>
    ) -> (byteCount: Int, defaultPort: UInt16)? {
        if target.count > 7, target.extracting(first: 7).equalsIgnoringCase("http://") {
            return (7, 80)
        }
        if target.count > 8, target.extracting(first: 8).equalsIgnoringCase("https://") {
            return (8, 443)
        }
        return nil
    }
}

/// An authority that a request target names, and the port it means when it says none.
internal struct NamedAuthority {
    var authority: Authority
    var defaultPort: UInt16?
}
