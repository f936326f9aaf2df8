/// The field names that a proxy acts on. A head is classified once, while it is parsed; everything
/// after that compares one byte.
public enum FieldName: UInt8, Sendable, CaseIterable {
    /// Any name that has no case of its own.
    case other

    // Framing, connection and routing (RFC 9110 §7, RFC 9112 §6).
    case host, connection, contentLength, transferEncoding, te, trailer, upgrade, expect
    case keepAlive, proxyConnection, http2Settings

    // Who the client is, and what we tell the backend about it.
    case forwarded, xForwardedFor, xForwardedHost, xForwardedPort, xForwardedProto
    case xRealIP, xRequestID, xSessionMoved
    /// `Proxy`: read by CGI programs as an environment variable, so never passed on (httpoxy).
    case proxy

    // Affinity and local decisions.
    case cookie, setCookie, userAgent, date, cacheControl

    // RFC 6455 §4.
    case secWebSocketKey, secWebSocketVersion, secWebSocketAccept
}
