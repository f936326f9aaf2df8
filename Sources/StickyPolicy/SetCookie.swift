public import HTTPParser

/// The `Set-Cookie` lines of one route: prepared once, and filled in with value and date.
///
/// The order and spelling of the attributes are those of ingress-nginx, a byte for a byte, since
/// scripts and tests of its users compare them; `Partitioned` is ours, and comes last:
///
///     name=value[; Expires=…][; Max-Age=…][; Domain=…]; Path=…[; Secure]; HttpOnly[; SameSite=…]
///         [; Partitioned]
public struct SetCookie: Sendable {
    /// `Set-Cookie: name=`.
    private let start: [UInt8]
    /// Seconds from the response to the date in `Expires`; nil leaves the attribute out.
    private let expires: Int64?
    /// From `; Max-Age` to `; Path`, as far as they are wanted.
    private let attributes: [UInt8]
    /// `; SameSite=…`, or nothing.
    private let sameSite: [UInt8]
    /// `; Partitioned`, or nothing.
    private let partitioned: [UInt8]
    private let isAlwaysSecure: Bool
    private let isPrivate: Bool

    /// What a response decides about its cookie.
    public struct Conditions: Equatable, Sendable {
        /// Whether the client's connection is TLS, by its own or a trusted peer's account.
        public var isSecure: Bool
        /// Whether the client is one that mistakes `SameSite=None`.
        public var omitsSameSite: Bool
        /// When the response is sent; `Expires` counts from here.
        public var unixSeconds: Int64

        public init(isSecure: Bool, omitsSameSite: Bool, unixSeconds: Int64) {
            self.isSecure = isSecure
            self.omitsSameSite = omitsSameSite
            self.unixSeconds = unixSeconds
        }
    }

    /// - Parameter routePath: the path of the route's rule, for cookies that are given none; an
    ///   empty one is `/`.
    public init(_ settings: CookieSettings, routePath: String) {
        start = Array("Set-Cookie: ".utf8) + Self.attributeBytes(settings.name) + [0x3D]
        expires = settings.expires
        var attributes: [UInt8] = []
        if let maxAge = settings.maxAge { attributes += Array("; Max-Age=\(maxAge)".utf8) }
        if let domain = settings.domain, !domain.isEmpty {
            attributes += Array("; Domain=".utf8) + Self.attributeBytes(domain)
        }
        let path = settings.path ?? routePath
        attributes += Array("; Path=".utf8) + Self.attributeBytes(path.isEmpty ? "/" : path)
        self.attributes = attributes
        sameSite = settings.sameSite.map { Array("; SameSite=\($0.rawValue)".utf8) } ?? []
        partitioned = settings.partitioned ? Array("; Partitioned".utf8) : []
        isAlwaysSecure = settings.secure
        isPrivate = settings.noCache
    }

    /// Appends a whole field line with its CRLF. `appendValue` writes the value, nothing else.
    public func appendLine(
        _ conditions: Conditions, to writer: inout ByteWriter,
        appendValue: (inout ByteWriter) -> Void
    ) {
        writer.append(start)
        appendValue(&writer)
        if let expires {
            let (sum, overflows) = conditions.unixSeconds.addingReportingOverflow(expires)
            writer.append("; Expires=")
            CivilDate(unixSeconds: overflows ? (expires < 0 ? 0 : .max) : sum)
                .appendCookieDate(to: &writer)
        }
        writer.append(attributes)
        if isAlwaysSecure || conditions.isSecure { writer.append("; Secure") }
        writer.append("; HttpOnly")
        if !conditions.omitsSameSite { writer.append(sameSite) }
        writer.append(partitioned)
        writer.append("\r\n")
        // RFC 9111 §3: a shared cache keeps no response that says so, whatever else it says. A
        // cached cookie would bind everybody to one backend.
        if isPrivate { writer.append("Cache-Control: private\r\n") }
    }

    /// The text without control characters and semicolons: a configuration was checked before, but
    /// a path comes from whoever may write an Ingress, and must not become a field or attribute.
    private static func attributeBytes(_ text: String) -> [UInt8] {
        text.utf8.filter { $0 >= 0x20 && $0 != 0x7F && $0 != 0x3B }
    }
}
