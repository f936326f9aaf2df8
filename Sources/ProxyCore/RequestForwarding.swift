package import HTTPParser
package import StickyPolicy

/// What the forwarded head says beyond what the client's head says.
package struct RequestForwarding: Sendable {
    /// The other end of the client's connection.
    package var peer: IPAddress
    /// Who the client is, by `clientIP`.
    package var client: IPAddress
    /// The peer is in `clientIP.trusted`: its word about the client is passed on.
    package var peerIsTrusted = false
    package var isSecure = false
    /// Whole field lines: who the client's certificate says it is.
    package var certificateFields: [UInt8] = []
    /// The port the client reached us on.
    package var localPort: UInt16 = 0
    /// 128 random bits for X-Request-ID.
    package var requestID: (UInt64, UInt64) = (0, 0)
    package var framing = BodyFraming.none
    /// The protocol that is offered to the backend (RFC 9110 §7.8), where one is.
    package var upgrade: ByteRange?
    /// The client takes trailers in the response, and we pass them on (RFC 9110 §10.1.4).
    package var acceptsTrailers = false
    /// Trailers of the request are passed on.
    package var passesTrailers = false
    /// RFC 9110 §10.1.1: an expectation in HTTP/1.0 means nothing, and would mean something to the
    /// backend, which reads HTTP/1.1.
    package var passesExpectation = true
    /// How many more hops an OPTIONS may take, where it says (RFC 9110 §7.6.2).
    package var maxForwards: UInt32?
    /// The client's session was moved to another backend.
    package var sessionMoved = false
    /// Finds the cookies that are ours and not the backend's; nil passes all on.
    package var strippedCookie: CookieScanner?

    package init(peer: IPAddress, client: IPAddress) {
        self.peer = peer
        self.client = client
    }

    /// Writes the head for the backend: the client's own bytes in their order, without what ends
    /// here, and with what we know about the client.
    package func write(
        _ head: RequestHead, options: ConnectionOptions, in bytes: Span<UInt8>,
        into writer: inout ByteWriter
    ) {
        writeRequestLine(head, in: bytes, into: &writer)
        head.fields.copyLines(in: bytes, into: &writer) { field in
            keeps(field, of: head.fields, options: options, in: bytes)
        }
        if let strippedCookie {
            strippedCookie.appendOthers(of: head, in: bytes, to: &writer)
        }
        if let upgrade {
            writeUpgrade(upgrade, in: bytes, into: &writer)
        } else if acceptsTrailers {
            writer.append("Connection: TE\r\nTE: trailers\r\n")
        }
        if framing.isChunked { writer.append("Transfer-Encoding: chunked\r\n") }
        if let maxForwards {
            writer.append("Max-Forwards: ")
            writer.append(decimal: UInt64(maxForwards))
            writer.append("\r\n")
        }
        writeForwardedFor(head, in: bytes, into: &writer)
        if peerIsTrusted {
            writeMissingOrigin(head, in: bytes, into: &writer)
        } else {
            writeOrigin(head, in: bytes, into: &writer)
            writeClaims(head, in: bytes, into: &writer)
        }
        if !certificateFields.isEmpty { writer.append(certificateFields) }
        if sessionMoved { writer.append(RequestForwarding.sessionMovedLine) }
        writer.append("\r\n")
    }

    /// Tells the application that this client was on another backend before.
    package static let sessionMovedLine: StaticString = "X-Session-Moved: 1\r\n"

    private func writeRequestLine(
        _ head: RequestHead, in bytes: Span<UInt8>, into writer: inout ByteWriter
    ) {
        switch head.targetForm {
        case .origin, .asterisk, .authority:
            // As it came: one space is between the two (RFC 9112 §3).
            writer.append(bytes, ByteRange(Int(head.methodRange.start), Int(head.target.end)))
        case .absolute:
            writer.append(bytes, head.methodRange)
            writer.append(UInt8(ascii: " "))
            writeOriginForm(head, in: bytes, into: &writer)
        }
        writer.append(" HTTP/1.1\r\nHost: ")
        writer.append(bytes, head.authority)
        writer.append("\r\n")
    }

    /// RFC 9112 §3.2.1: a backend is asked in origin form, whatever form the client used.
    private func writeOriginForm(
        _ head: RequestHead, in bytes: Span<UInt8>, into writer: inout ByteWriter
    ) {
        if head.path.isEmpty {
            // RFC 9112 §3.2.4: OPTIONS for a whole server.
            let isServerWide = head.method == .options && head.query.isEmpty
            writer.append(isServerWide ? UInt8(ascii: "*") : UInt8(ascii: "/"))
        } else {
            writer.append(bytes, head.path)
        }
        if !head.query.isEmpty {
            writer.append(UInt8(ascii: "?"))
            writer.append(bytes, head.query)
        }
    }

    private func keeps(
        _ field: Field, of fields: FieldSection, options: ConnectionOptions,
        in bytes: Span<UInt8>
    ) -> Bool {
        switch field.known {
        // Written by us, from what was decided about them.
        case .host, .transferEncoding, .upgrade, .xForwardedFor, .xRealIP: false
        case .proxy, .xSessionMoved, .xScheme: false
        case .xForwardedProto, .xForwardedHost, .xForwardedPort, .xRequestID, .forwarded,
            .xOriginalForwarded:
            peerIsTrusted
        case .contentLength: !framing.isChunked
        case .cookie where strippedCookie != nil: false
        case .trailer: passesTrailers
        case .expect: passesExpectation
        case .other where isReplaced(bytes.extracting(field.name.offsets)): false
        default: !HopByHop.endsHere(field, of: fields, options: options, in: bytes)
        }
    }

    private func isReplaced(_ name: Span<UInt8>) -> Bool {
        (maxForwards != nil && MaxForwards.isName(name))
            || ReservedName.isName(name, peerIsTrusted: peerIsTrusted)
    }

    private func writeUpgrade(
        _ upgrade: ByteRange, in bytes: Span<UInt8>, into writer: inout ByteWriter
    ) {
        writer.append("Connection: upgrade\r\nUpgrade: ")
        writer.append(bytes, upgrade)
        writer.append("\r\n")
    }

    /// X-Forwarded-For: from a trusted peer its list is kept and the peer appended; from anybody
    /// else the peer alone. X-Real-IP is always whom we took the client for.
    private func writeForwardedFor(
        _ head: RequestHead, in bytes: Span<UInt8>, into writer: inout ByteWriter
    ) {
        writer.append("X-Forwarded-For: ")
        if peerIsTrusted {
            var next = 0
            while let position = head.fields.position(of: .xForwardedFor, from: next) {
                let value = head.fields[position].value
                next = position + 1
                guard !value.isEmpty else { continue }
                writer.append(bytes, value)
                writer.append(", ")
            }
        }
        let start = writer.count
        peer.append(to: &writer)
        let end = writer.count
        writer.append("\r\nX-Real-IP: ")
        if client == peer {
            writer.appendAgain(ByteRange(start, end))
        } else {
            client.append(to: &writer)
        }
        writer.append("\r\n")
    }

    /// Our own word about where the request came, and its name, in as few pieces as can be.
    private func writeOrigin(
        _ head: RequestHead, in bytes: Span<UInt8>, into writer: inout ByteWriter
    ) {
        writeOwnScheme(into: &writer)
        writer.append("X-Forwarded-Host: ")
        writer.append(bytes, head.authority)
        writer.append("\r\nX-Forwarded-Port: ")
        writer.append(decimal: UInt64(localPort))
        writer.append("\r\nX-Request-ID: ")
        writer.append(fixedHexadecimal: requestID.0)
        writer.append(fixedHexadecimal: requestID.1)
        writer.append("\r\n")
    }

    /// The same, as far as a trusted peer has not said it.
    private func writeMissingOrigin(
        _ head: RequestHead, in bytes: Span<UInt8>, into writer: inout ByteWriter
    ) {
        writeScheme(head, in: bytes, into: &writer)
        if mustSay(.xForwardedHost, head) {
            writer.append("X-Forwarded-Host: ")
            writer.append(bytes, head.authority)
            writer.append("\r\n")
        }
        if mustSay(.xForwardedPort, head) {
            writer.append("X-Forwarded-Port: ")
            writer.append(decimal: UInt64(localPort))
            writer.append("\r\n")
        }
        if mustSay(.xRequestID, head) {
            writer.append("X-Request-ID: ")
            writer.append(fixedHexadecimal: requestID.0)
            writer.append(fixedHexadecimal: requestID.1)
            writer.append("\r\n")
        }
    }

    /// Three fields say the same, since applications read different ones.
    private func writeScheme(
        _ head: RequestHead, in bytes: Span<UInt8>, into writer: inout ByteWriter
    ) {
        if let word = head.fields.first(.xForwardedProto) {
            writer.append("X-Forwarded-Scheme: ")
            writer.append(bytes, word.value)
            writer.append("\r\nX-Scheme: ")
            writer.append(bytes, word.value)
            writer.append("\r\n")
        } else {
            writeOwnScheme(into: &writer)
        }
    }

    private func writeOwnScheme(into writer: inout ByteWriter) {
        writer.append(
            isSecure
                ? "X-Forwarded-Proto: https\r\nX-Forwarded-Scheme: https\r\nX-Scheme: https\r\n"
                : "X-Forwarded-Proto: http\r\nX-Forwarded-Scheme: http\r\nX-Scheme: http\r\n")
    }

    /// What an untrusted client claimed is shown under names that nobody takes for the truth.
    private func writeClaims(
        _ head: RequestHead, in bytes: Span<UInt8>, into writer: inout ByteWriter
    ) {
        if head.fields.contains(.xForwardedFor) {
            writer.append("X-Original-Forwarded-For: ")
            var next = 0
            while let position = head.fields.position(of: .xForwardedFor, from: next) {
                if next > 0 { writer.append(", ") }
                writer.append(bytes, head.fields[position].value)
                next = position + 1
            }
            writer.append("\r\n")
        }
        if let host = head.fields.first(.xForwardedHost) {
            writer.append("X-Original-Forwarded-Host: ")
            writer.append(bytes, host.value)
            writer.append("\r\n")
        }
    }

    private func mustSay(_ name: FieldName, _ head: RequestHead) -> Bool {
        !head.fields.contains(name)
    }
}
