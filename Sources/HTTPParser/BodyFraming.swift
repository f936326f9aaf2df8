/// How the end of a message body is found (RFC 9112 §6.3).
@frozen
public enum BodyFraming: Sendable, Equatable {
    case none
    /// Content-Length; never 0, which is `.none`.
    case length(UInt64)
    case chunked
    /// Responses only: the body ends with the connection.
    case untilClose

    // In other modules, `==` is a call through a table of witnesses; these are not.

    @inlinable
    public var isNone: Bool { if case .none = self { true } else { false } }

    @inlinable
    public var isChunked: Bool { if case .chunked = self { true } else { false } }

    @inlinable
    public var isUntilClose: Bool { if case .untilClose = self { true } else { false } }
}

/// How far a parser came with the bytes it was shown.
public enum HeadProgress: Sendable, Equatable {
    case needMore
    /// The head is whole and takes this many bytes from the start of the span.
    case complete(byteCount: Int)
}
