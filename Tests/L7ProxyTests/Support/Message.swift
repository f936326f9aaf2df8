/// One HTTP message as it came over a wire: nothing in it is trimmed, sorted or corrected.
struct Message: Sendable {
    /// With the empty line.
    let head: String
    /// The body as it was sent, chunk lines and all.
    var rawBody: [UInt8] = []
    /// The content.
    var body: [UInt8] = []

    init(head: String) {
        self.head = head
    }

    /// The start line and the field lines.
    var lines: [String] {
        head.split(separator: "\r\n", omittingEmptySubsequences: true).map(String.init)
    }

    var startLine: String { lines.first ?? "" }
    var status: Int? { Int(startLine.split(separator: " ").dropFirst().first ?? "") }
    var bodyText: String { String(decoding: body, as: UTF8.self) }

    /// The values of all fields of this name, in order.
    func all(_ name: String) -> [String] {
        lines.dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":"),
                line[..<colon].lowercased() == name.lowercased()
            else { return nil }
            return String(line[line.index(after: colon)...].drop { $0 == " " })
        }
    }

    subscript(name: String) -> String? { all(name).first }

    /// Names in the order in which they came.
    var names: [String] {
        lines.dropFirst().map { String($0.prefix { $0 != ":" }) }
    }

    var isChunked: Bool { self["Transfer-Encoding"] == "chunked" }

    /// The name and value of the cookie that this response sets.
    var cookie: String? { self["Set-Cookie"].map { String($0.prefix { $0 != ";" }) } }
}

/// What ends a response when neither its head nor its request says so.
enum BodyRule {
    /// By the fields; without any there is no body.
    case byFields
    /// The answer to a HEAD, or a 1xx.
    case none
    /// By the fields, else by the end of the connection.
    case untilEnd
}

extension Wire {
    /// Reads one message, and keeps a record of it.
    @discardableResult
    func readMessage(_ rule: BodyRule = .byFields) throws(WireError) -> Message {
        var message = Message(head: try read(until: "\r\n\r\n"))
        let status = message.head.hasPrefix("HTTP/") ? message.status ?? 0 : 200
        if rule != .none, status >= 200, status != 204, status != 304 {
            try readBody(of: &message, rule)
        }
        note(message)
        return message
    }

    /// Reads one message, or nil when the connection ends before its first byte.
    func readMessageIfAny() throws(WireError) -> Message? {
        do throws(WireError) {
            return try readMessage()
        } catch {
            if case .ended = error, unread.isEmpty { return nil }
            throw error
        }
    }

    private func readBody(of message: inout Message, _ rule: BodyRule) throws(WireError) {
        if message.isChunked {
            try readChunks(of: &message)
        } else if let length = message["Content-Length"].flatMap({ Int($0) }) {
            message.body = try read(exactly: length)
            message.rawBody = message.body
        } else if rule == .untilEnd {
            message.body = Array(try readToEnd().text.utf8)
            message.rawBody = message.body
        }
    }

    private func readChunks(of message: inout Message) throws(WireError) {
        while true {
            let line = try read(until: "\r\n")
            message.rawBody += Array(line.utf8)
            let digits = line.prefix { $0.isHexDigit }
            let count = Int(digits, radix: 16) ?? 0
            if count == 0 { break }
            let content = try read(exactly: count + 2)
            message.rawBody += content
            message.body += content.dropLast(2)
        }
        while true {
            let line = try read(until: "\r\n")
            message.rawBody += Array(line.utf8)
            if line == "\r\n" { return }
        }
    }
}

/// The lines of a head, with their line ends and the empty line.
func head(_ lines: String...) -> String {
    lines.joined(separator: "\r\n") + "\r\n\r\n"
}

/// A 200 with a length.
func ok(_ body: String = "hello", _ fields: String...) -> String {
    let lines = ["HTTP/1.1 200 OK", "Content-Length: \(body.utf8.count)"] + fields
    return lines.joined(separator: "\r\n") + "\r\n\r\n" + body
}

/// A GET of HTTP/1.1.
func get(_ target: String = "/", _ fields: String...) -> String {
    (["GET \(target) HTTP/1.1", "Host: test.example"] + fields).joined(separator: "\r\n")
        + "\r\n\r\n"
}

/// A POST of HTTP/1.1 with a length.
func post(_ body: String, _ fields: String...) -> String {
    let lines = [
        "POST / HTTP/1.1", "Host: test.example", "Content-Length: \(body.utf8.count)",
    ]
    return (lines + fields).joined(separator: "\r\n") + "\r\n\r\n" + body
}
