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
    /// `X-Scheme` and `X-Forwarded-Scheme`, which say the same.
    case xScheme
    /// `X-Original-Forwarded-For` and `-Host`: what a client claimed that is not believed.
    case xOriginalForwarded
    /// `Proxy`: read by CGI programs as an environment variable, so never passed on (httpoxy).
    case proxy

    // Affinity and local decisions.
    case cookie, setCookie, userAgent, date, cacheControl

    // RFC 6455 §4.
    case secWebSocketKey, secWebSocketVersion, secWebSocketAccept
}

extension FieldName {
    /// The case for a field name as it was sent, in any mixture of cases; `.other` for any name
    /// that is not listed, also for bytes that make no name at all.
    ///
    /// By length first: no name is compared with more than four literals.
    public static func classify(_ name: Span<UInt8>) -> FieldName {
        switch name.count {
        case 2...8: classifyShort(name)
        case 9...14: classifyMiddling(name)
        case 15...25: classifyLong(name)
        default: .other
        }
    }

    @inline(__always)
    private static func classifyShort(_ name: Span<UInt8>) -> FieldName {
        switch name.count {
        case 2:
            if name.equalsIgnoringCase("te") { return .te }
        case 4:
            if name.equalsIgnoringCase("host") { return .host }
            if name.equalsIgnoringCase("date") { return .date }
        case 5:
            if name.equalsIgnoringCase("proxy") { return .proxy }
        case 6:
            if name.equalsIgnoringCase("cookie") { return .cookie }
            if name.equalsIgnoringCase("expect") { return .expect }
        case 7:
            if name.equalsIgnoringCase("upgrade") { return .upgrade }
            if name.equalsIgnoringCase("trailer") { return .trailer }
        case 8:
            if name.equalsIgnoringCase("x-scheme") { return .xScheme }
        default: break
        }
        return .other
    }

    @inline(__always)
    private static func classifyMiddling(_ name: Span<UInt8>) -> FieldName {
        switch name.count {
        case 9:
            if name.equalsIgnoringCase("x-real-ip") { return .xRealIP }
            if name.equalsIgnoringCase("forwarded") { return .forwarded }
        case 10:
            if name.equalsIgnoringCase("connection") { return .connection }
            if name.equalsIgnoringCase("user-agent") { return .userAgent }
            if name.equalsIgnoringCase("set-cookie") { return .setCookie }
            if name.equalsIgnoringCase("keep-alive") { return .keepAlive }
        case 12:
            if name.equalsIgnoringCase("x-request-id") { return .xRequestID }
        case 13:
            if name.equalsIgnoringCase("cache-control") { return .cacheControl }
        case 14:
            if name.equalsIgnoringCase("content-length") { return .contentLength }
            if name.equalsIgnoringCase("http2-settings") { return .http2Settings }
        default: break
        }
        return .other
    }

    @inline(__always)
    private static func classifyLong(_ name: Span<UInt8>) -> FieldName {
        switch name.count {
        case 15:
            if name.equalsIgnoringCase("x-forwarded-for") { return .xForwardedFor }
            if name.equalsIgnoringCase("x-session-moved") { return .xSessionMoved }
        case 16:
            if name.equalsIgnoringCase("x-forwarded-host") { return .xForwardedHost }
            if name.equalsIgnoringCase("x-forwarded-port") { return .xForwardedPort }
            if name.equalsIgnoringCase("proxy-connection") { return .proxyConnection }
        case 17:
            if name.equalsIgnoringCase("transfer-encoding") { return .transferEncoding }
            if name.equalsIgnoringCase("x-forwarded-proto") { return .xForwardedProto }
            if name.equalsIgnoringCase("sec-websocket-key") { return .secWebSocketKey }
        case 18:
            if name.equalsIgnoringCase("x-forwarded-scheme") { return .xScheme }
        case 20:
            if name.equalsIgnoringCase("sec-websocket-accept") { return .secWebSocketAccept }
        case 21:
            if name.equalsIgnoringCase("sec-websocket-version") { return .secWebSocketVersion }
        case 24:
            if name.equalsIgnoringCase("x-original-forwarded-for") { return .xOriginalForwarded }
        case 25:
            if name.equalsIgnoringCase("x-original-forwarded-host") { return .xOriginalForwarded }
        default: break
        }
        return .other
    }
}
