import HTTPParser

/// Fields that describe one connection and end with it (RFC 9110 §7.6.1).
enum HopByHop {
    /// Whether a field is not passed on, in either direction.
    static func endsHere(
        _ field: Field, of fields: FieldSection, options: ConnectionOptions,
        in bytes: Span<UInt8>
    ) -> Bool {
        switch field.known {
        case .connection, .keepAlive, .te, .transferEncoding, .upgrade: true
        // Still sent by old clients, although no RFC ever had it.
        case .proxyConnection: true
        // RFC 9113 §3.1 retired h2c; RFC 7540 §3.2.1 had made this hop-by-hop.
        case .http2Settings: true
        // Announces trailers of this hop (RFC 9110 §6.6.2); kept by who passes them on.
        case .trailer: true
        case .other: options.nominates(bytes.extracting(field.name.offsets), fields, in: bytes)
        // End to end whatever Connection nominates: without them the message would mean something
        // else to the next party than to us, which is how access checks are bypassed.
        case .host, .contentLength, .expect, .forwarded, .proxy, .xSessionMoved: false
        case .xForwardedFor, .xForwardedHost, .xForwardedPort, .xForwardedProto: false
        case .xScheme, .xOriginalForwarded: false
        case .xRealIP, .xRequestID, .cookie, .setCookie, .userAgent, .date, .cacheControl: false
        case .secWebSocketKey, .secWebSocketVersion, .secWebSocketAccept: false
        }
    }
}

extension FieldSection {
    /// Copies the lines that are kept, whole and in order: runs of neighbours at once, cut only
    /// where a line is dropped.
    @inline(__always)
    func copyLines(
        in bytes: Span<UInt8>, into writer: inout ByteWriter, where isKept: (Field) -> Bool
    ) {
        var run = ByteRange.empty
        for position in 0..<count {
            let field = self[position]
            if isKept(field) {
                if run.isEmpty { run.start = field.name.start }
                run.end = field.lineEnd
            } else if !run.isEmpty {
                writer.append(bytes, run)
                run = .empty
            }
        }
        if !run.isEmpty { writer.append(bytes, run) }
    }
}
