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
