import HTTPParser
import StickyPolicy

/// A request head that was put together by hand, and its bytes.
struct TestRequest {
    private(set) var bytes: [UInt8] = []
    private(set) var head = RequestHead()

    init(cookies: [String] = [], forwardedFor: [String] = [], userAgent: String? = nil) {
        for value in cookies { add(.cookie, "Cookie", value) }
        for value in forwardedFor { add(.xForwardedFor, "X-Forwarded-For", value) }
        if let userAgent { add(.userAgent, "User-Agent", userAgent) }
    }

    /// A whole head as it is on the wire; `target` in origin form.
    init(target: String, host: String = "shop.example.com", fields: [(String, String)] = []) {
        bytes = Array("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n".utf8)
        for (name, value) in fields { bytes += Array("\(name): \(value)\r\n".utf8) }
        bytes += Array("\r\n".utf8)
        var scanned = 0
        let parser = RequestParser(
            limits: ParserLimits(headBytesMax: 65_536, targetBytesMax: 4_096, fieldCountMax: 100))
        var parsed = RequestHead()
        _ = try? parser.parse(bytes.span, scannedCount: &scanned, into: &parsed)
        head = parsed
    }

    mutating func setMethod(_ method: RequestMethod) {
        head.method = method
    }

    private mutating func add(_ known: FieldName, _ name: String, _ value: String) {
        let start = bytes.count
        bytes += Array("\(name): \(value)\r\n".utf8)
        let nameEnd = start + name.utf8.count
        head.fields.append(
            Field(
                name: ByteRange(start, nameEnd),
                value: ByteRange(nameEnd + 2, bytes.count - 2), lineEnd: bytes.count,
                known: known))
    }
}

/// What is written into a writer, as text.
func text(capacity: Int = 1024, _ write: (inout ByteWriter) -> Void) -> String {
    var writer = ByteWriter(capacity: capacity)
    write(&writer)
    return String(decoding: writer.copyBytes(), as: UTF8.self)
}
