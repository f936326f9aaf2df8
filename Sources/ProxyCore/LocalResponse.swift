package import HTTPParser

/// A response that the proxy itself gives: short, dated, and honest about the connection.
package struct LocalResponse: Sendable {
    package var status: UInt16
    package var persistence = Persistence.close
    /// RFC 9110 §9.3.2: an answer to HEAD has the fields of the body and not the body.
    package var omitsBody = false
    /// Where to ask instead; empty for no such field.
    package var location: [UInt8] = []
    /// More than the status says, for whoever reads it; in ASCII.
    package var explanation: StaticString = ""
    /// Whole field lines with their CRLF, such as Strict-Transport-Security.
    package var fieldLines: StaticString = ""

    package init(status: UInt16) {
        self.status = status
    }

    /// - Parameter date: a whole Date field line with its CRLF.
    package func write(date: [UInt8], into writer: inout ByteWriter) {
        let reason = LocalResponse.reason(of: status)
        writer.append("HTTP/1.1 ")
        writeTitle(reason, into: &writer)
        writer.append("\r\n")
        writer.append(date)
        writer.append("Content-Type: text/plain\r\nContent-Length: ")
        writer.append(decimal: UInt64(contentByteCount(reason)))
        writer.append("\r\n")
        if !location.isEmpty {
            writer.append("Location: ")
            writer.append(location)
            writer.append("\r\n")
        }
        writer.append(fieldLines)
        // RFC 9110 §9.3.7, §10.2.1.
        if status == 405 || status == 200 {
            writer.append("Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n")
        }
        // RFC 9110 §10.2.3. Two seconds: whatever is too much now has passed or been noticed then.
        if status == 503 { writer.append("Retry-After: 2\r\n") }
        switch persistence {
        case .close: writer.append("Connection: close\r\n")
        case .keepAlive: writer.append("Connection: keep-alive\r\n")
        case .implied, .upgrade: break
        }
        writer.append("\r\n")
        guard !omitsBody else { return }
        writeTitle(reason, into: &writer)
        if explanation.utf8CodeUnitCount > 0 {
            writer.append(": ")
            writer.append(explanation)
        }
        writer.append(UInt8(ascii: "\n"))
    }

    /// Bytes of content that `write` writes.
    package var bodyByteCount: Int {
        omitsBody ? 0 : contentByteCount(LocalResponse.reason(of: status))
    }

    private func contentByteCount(_ reason: StaticString) -> Int {
        let more = explanation.utf8CodeUnitCount
        return 4 + reason.utf8CodeUnitCount + (more > 0 ? 2 + more : 0) + 1
    }

    /// `404 Not Found`: three digits, a space, the reason.
    private func writeTitle(_ reason: StaticString, into writer: inout ByteWriter) {
        writer.append(decimal: UInt64(status))
        writer.append(UInt8(ascii: " "))
        writer.append(reason)
    }

    /// RFC 9110 §15.
    package static func reason(of status: UInt16) -> StaticString {
        switch status {
        case 200: "OK"
        case 302: "Found"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 426: "Upgrade Required"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Error"
        }
    }
}
