import HTTPParser
import ProxyCore

/// One of the demonstration's backends: its name, and its answers to whole request heads. It knows
/// no socket.
final class DemoBackend {
    static let cookieName = "DEMO"

    /// The proxy passes heads of 32 KiB and adds to them.
    private static let headBytesMax = 64 * 1024
    let parser = RequestParser(
        limits: ParserLimits(
            headBytesMax: headBytesMax, targetBytesMax: headBytesMax, fieldCountMax: 254))

    let name: String
    /// Requests and WebSocket handshakes that were answered, also those to other clients.
    private(set) var requestCount = 0
    /// Where answers and frames are written. JSON may need six bytes for one of a head.
    var output = ByteWriter(capacity: 8 * headBytesMax)
    private var content = ByteWriter(capacity: 7 * headBytesMax)

    init(name: String) {
        self.name = name
    }

    private enum Answer {
        /// The page that shows it all.
        case page
        /// Everything about this request, as JSON.
        case whoami
        /// Expires the cookie, which no script can: it is HttpOnly.
        case forget
        /// One line for people at a terminal.
        case line
    }

    /// Writes the whole answer to a request to `output`.
    func answer(_ head: RequestHead, in bytes: Span<UInt8>, keepsConnection: Bool) {
        requestCount += 1
        let answer = choose(head, in: bytes)
        content.removeAll()
        switch answer {
        case .page: content.append(DemoPage.html)
        case .whoami: writeReport(bytes)
        case .forget: content.append("The cookie is forgotten.\n")
        case .line: writeLine(head, in: bytes)
        }
        writeHead(answer, keepsConnection: keepsConnection)
        guard head.method != .head else { return }
        content.withBytes { output.append($0) }
    }

    /// Writes the answer that opens a WebSocket (RFC 6455 §4.2.2).
    func acceptWebSocket(_ head: RequestHead, in bytes: Span<UInt8>) {
        requestCount += 1
        let key = head.fields.first(.secWebSocketKey)?.value ?? .empty
        output.removeAll()
        output.append("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n")
        output.append("Connection: Upgrade\r\nSec-WebSocket-Accept: ")
        output.append(WebSocketAccept.value(for: bytes.extracting(key.offsets)))
        output.append("\r\n\r\n")
    }

    /// Writes the answer to what is no request.
    func refuse(_ error: ParseError) {
        output.removeAll()
        LocalResponse(status: error.status).write(date: [], into: &output)
    }

    // MARK: - Choosing

    private func choose(_ head: RequestHead, in bytes: Span<UInt8>) -> Answer {
        let path = bytes.extracting(head.path.offsets)
        if path.extracting(last: 7).equals("/whoami") { return .whoami }
        if path.equals("/forget") { return .forget }
        return path.equals("/") && DemoBackend.takesHTML(head, in: bytes) ? .page : .line
    }

    /// Browsers name HTML; curl takes anything, and is better served with a line.
    private static func takesHTML(_ head: RequestHead, in bytes: Span<UInt8>) -> Bool {
        for position in 0..<head.fields.count {
            let field = head.fields[position]
            guard bytes.extracting(field.name.offsets).equalsIgnoringCase("accept") else {
                continue
            }
            return namesHTML(bytes.extracting(field.value.offsets))
        }
        return true
    }

    private static func namesHTML(_ accepted: Span<UInt8>) -> Bool {
        let wanted = "text/html" as StaticString
        var rest = accepted
        while rest.count >= wanted.utf8CodeUnitCount {
            if rest.extracting(first: wanted.utf8CodeUnitCount).equalsIgnoringCase(wanted) {
                return true
            }
            rest = rest.extracting(droppingFirst: 1)
        }
        return false
    }

    // MARK: - Writing

    private func writeHead(_ answer: Answer, keepsConnection: Bool) {
        output.removeAll()
        output.append("HTTP/1.1 200 OK\r\nContent-Type: ")
        output.append(DemoBackend.mediaType(of: answer))
        output.append("\r\nContent-Length: ")
        output.append(decimal: UInt64(content.count))
        output.append("\r\nCache-Control: no-store\r\nVary: Accept\r\nX-Demo-Backend: ")
        output.append(Array(name.utf8))
        if answer == .forget {
            output.append("\r\nSet-Cookie: ")
            output.append(Array(DemoBackend.cookieName.utf8))
            output.append("=; Path=/; Max-Age=0; HttpOnly")
        }
        if !keepsConnection { output.append("\r\nConnection: close") }
        output.append("\r\n\r\n")
    }

    private static func mediaType(of answer: Answer) -> StaticString {
        switch answer {
        case .page: "text/html; charset=utf-8"
        case .whoami: "application/json"
        case .forget, .line: "text/plain; charset=utf-8"
        }
    }

    /// `blue answered GET /ip, its request number 3`.
    private func writeLine(_ head: RequestHead, in bytes: Span<UInt8>) {
        content.append(Array(name.utf8))
        content.append(" answered ")
        content.append(bytes, head.methodRange)
        content.append(UInt8(ascii: " "))
        content.append(bytes, head.target)
        content.append(", its request number ")
        content.append(decimal: UInt64(requestCount))
        content.append(UInt8(ascii: "\n"))
    }

    /// The name, the count, and the head a line for a line, as JSON (RFC 8259).
    private func writeReport(_ bytes: Span<UInt8>) {
        content.append("{\"backend\":\"")
        content.append(Array(name.utf8))
        content.append("\",\"requests\":")
        content.append(decimal: UInt64(requestCount))
        content.append(",\"head\":[")
        var start = 0
        var isFirst = true
        for end in bytes.indices where bytes[end] == UInt8(ascii: "\n") {
            // The head ends with an empty line, and may begin with one (RFC 9112 §2.2).
            if end - start > 1 {
                if !isFirst { content.append(UInt8(ascii: ",")) }
                isFirst = false
                writeText(bytes.extracting(start..<end - 1))
            }
            start = end + 1
        }
        content.append("]}\n")
    }

    /// A JSON string. Bytes beyond ASCII are shown as Latin-1: a head has no encoding of its own.
    private func writeText(_ text: Span<UInt8>) {
        content.append(UInt8(ascii: "\""))
        for offset in text.indices {
            switch text[offset] {
            case UInt8(ascii: "\""): content.append("\\\"")
            case UInt8(ascii: "\\"): content.append("\\\\")
            case 0x20...0x7E: content.append(text[offset])
            default:
                content.append("\\u00")
                if text[offset] < 0x10 { content.append(UInt8(ascii: "0")) }
                content.append(hexadecimal: UInt64(text[offset]))
            }
        }
        content.append(UInt8(ascii: "\""))
    }
}
