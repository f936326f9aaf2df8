/// How the end of a message body is found (RFC 9112 §6.3).
public enum BodyFraming: Sendable, Equatable {
    case none
    /// Content-Length; never 0, which is `.none`.
    case length(UInt64)
    case chunked
    /// Responses only: the body ends with the connection.
    case untilClose
}

/// How far a parser came with the bytes it was shown.
public enum HeadProgress: Sendable, Equatable {
    case needMore
    /// The head is whole and takes this many bytes from the start of the span.
    case complete(byteCount: Int)
}
