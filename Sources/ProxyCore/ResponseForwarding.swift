package import HTTPParser

/// How a backend's response head is written for the client.
package struct ResponseForwarding: Sendable {
    package var persistence = Persistence.implied
    /// The body leaves in chunks of ours.
    package var isChunked = false
    /// Trailers are passed on, and so is what announces them.
    package var passesTrailers = false
    /// The body's length is told by its own field.
    package var keepsContentLength = true
    /// `hstsLine` takes the place of what the backend says.
    package var replacesHSTS = false

    /// The default of ingress-nginx (RFC 6797 §6.1): a year, and subdomains too.
    package static let hstsLine: StaticString =
        "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"

    package init() {}

    /// Writes the status line. Fields of the proxy's own may follow before `writeFields`.
    package func writeStatusLine(
        _ head: ResponseHead, in bytes: Span<UInt8>, into writer: inout ByteWriter
    ) {
        writer.append("HTTP/1.1 ")
        if head.reason.isEmpty {
            writer.append(decimal: UInt64(head.status))
            writer.append(" \r\n")
        } else {
            // As it came: the digits and a space in front of the reason, and the line's end.
            writer.append(bytes, ByteRange(Int(head.reason.start) - 4, Int(head.reason.end) + 2))
        }
    }

    /// Writes the fields and the empty line.
    ///
    /// - Parameter date: a whole Date field line, for a backend that sent none (RFC 9110 §6.6.1).
    package func writeFields(
        _ head: ResponseHead, options: ConnectionOptions, in bytes: Span<UInt8>, date: [UInt8],
        into writer: inout ByteWriter
    ) {
        head.fields.copyLines(in: bytes, into: &writer) { field in
            keeps(field, of: head.fields, options: options, in: bytes)
        }
        if !head.fields.contains(.date), !head.isInterim { writer.append(date) }
        switch persistence {
        case .implied: break
        case .keepAlive: writer.append("Connection: keep-alive\r\n")
        case .close: writer.append("Connection: close\r\n")
        case .upgrade: writeUpgrade(head, in: bytes, into: &writer)
        }
        if head.status == 426 { writeRequiredUpgrade(head, in: bytes, into: &writer) }
        if isChunked { writer.append("Transfer-Encoding: chunked\r\n") }
        writer.append("\r\n")
    }

    private func keeps(
        _ field: Field, of fields: FieldSection, options: ConnectionOptions,
        in bytes: Span<UInt8>
    ) -> Bool {
        if field.known == .contentLength {
            // Equal lengths said twice leave as one (RFC 9112 §6.3 item 5).
            return keepsContentLength && field == fields.first(.contentLength)
        }
        if field.known == .trailer { return passesTrailers }
        if replacesHSTS, field.known == .other,
            bytes.extracting(field.name.offsets).equalsIgnoringCase("strict-transport-security")
        {
            return false
        }
        return !HopByHop.endsHere(field, of: fields, options: options, in: bytes)
    }

    /// RFC 9110 §15.5.22: a 426 says to what. Where it asks for what we would not pass on, such as
    /// h2c, it is left without.
    private func writeRequiredUpgrade(
        _ head: ResponseHead, in bytes: Span<UInt8>, into writer: inout ByteWriter
    ) {
        guard let upgrade = head.fields.first(.upgrade),
            UpgradeRule.isWebSocket(bytes.extracting(upgrade.value.offsets))
        else { return }
        writer.append("Connection: upgrade\r\nUpgrade: websocket\r\n")
    }

    private func writeUpgrade(
        _ head: ResponseHead, in bytes: Span<UInt8>, into writer: inout ByteWriter
    ) {
        writer.append("Connection: upgrade\r\n")
        guard let upgrade = head.fields.first(.upgrade) else { return }
        writer.append("Upgrade: ")
        writer.append(bytes, upgrade.value)
        writer.append("\r\n")
    }
}
