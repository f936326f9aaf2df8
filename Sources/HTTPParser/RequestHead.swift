public enum HTTPVersion: UInt8, Sendable, Equatable {
    case http10, http11
}

/// Request methods that a proxy treats specially; any other token is `.other`.
public enum RequestMethod: UInt8, Sendable, Equatable {
    case get, head, post, put, delete, options, patch, trace, connect, other

    /// RFC 9110 §9.2.2: repeating one of these changes nothing that one alone did not.
    public var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .patch, .connect, .other: false
        }
    }
}

/// The four forms of a request target (RFC 9112 §3.2).
public enum RequestTargetForm: UInt8, Sendable, Equatable {
    case origin, absolute, authority, asterisk
}

/// A request line and its fields, as offsets into the bytes they were parsed from.
///
/// A value that is filled again and again: one per event loop is enough.
public struct RequestHead: Sendable {
    public var method = RequestMethod.get
    public var methodRange = ByteRange.empty
    /// The whole request target as it was sent.
    public var target = ByteRange.empty
    public var targetForm = RequestTargetForm.origin
    /// The path, never empty in origin and absolute form unless absolute form left it out.
    public var path = ByteRange.empty
    /// What follows the first `?`, without it; empty when there is none.
    public var query = ByteRange.empty
    /// Whom the request is for: the authority that the target names, else the value of Host
    /// (RFC 9112 §3.2.2, §3.3).
    public var authority = ByteRange.empty
    /// The host part of `authority`: without port; with its brackets when it is an IPv6 literal.
    public var host = ByteRange.empty
    public var version = HTTPVersion.http11
    public var fields = FieldSection()

    public init() {}
}
