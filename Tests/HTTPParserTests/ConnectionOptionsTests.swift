import HTTPParser
import Testing

@Suite("Connection options")
struct ConnectionOptionsTests {
    private func read<Result>(
        _ lines: String, _ body: (RequestHead, Span<UInt8>) throws -> Result
    ) throws -> Result {
        let bytes = latin1("GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n")
        var head = RequestHead()
        var scannedCount = 0
        _ = try RequestParser(limits: ParserLimits())
            .parse(bytes.span, scannedCount: &scannedCount, into: &head)
        return try body(head, bytes.span)
    }

    private func options(_ lines: String) throws -> ConnectionOptions {
        try read(lines) { head, bytes in try ConnectionOptions(head.fields, in: bytes) }
    }

    @Test(
        "close wins over keep-alive, and HTTP/1.0 has to ask for it (RFC 9112 §9.3)",
        arguments: [
            ("", true, false), ("Connection: keep-alive\r\n", true, true),
            ("Connection: close\r\n", false, false), ("Connection: x\r\n", true, false),
            ("Connection: keep-alive, close\r\n", false, false),
            ("Connection: close\r\nConnection: keep-alive\r\n", false, false),
        ])
    func persistence(lines: String, current: Bool, old: Bool) throws {
        let options = try options(lines)
        #expect(options.persists(in: .http11) == current)
        #expect(options.persists(in: .http10) == old)
    }

    @Test(
        "close, keep-alive and upgrade are found in any case (RFC 9110 §7.6.1)",
        arguments: [
            ("", ""), ("Connection: close\r\n", "c"), ("Connection: Keep-Alive\r\n", "k"),
            ("Connection: Upgrade\r\n", "u"), ("connection: UPGRADE, Close\r\n", "cu"),
            ("Connection: keep-alive,upgrade\r\n", "ku"), ("Connection: ,, close ,\r\n", "c"),
            ("Connection: \t close\t\r\n", "c"), ("Connection:\r\n", ""), ("Connection: ,\r\n", ""),
            ("Connection: upgrade\r\nConnection: close\r\n", "cu"), ("Connection: te\r\n", ""),
            ("Connection: closed\r\n", "+1"), ("Connection: clos\r\n", "+1"),
            ("Connection: close keep-alive\r\n", "+1"), ("Connection: \"close\"\r\n", "+1"),
            ("Connection: X-A, close\r\nX: y\r\nConnection: X-B\r\n", "c+2"),
            ("Proxy-Connection: close\r\n", ""), ("Connection: close;a\r\n", "+1"),
        ])
    func options(lines: String, found: String) throws {
        let options = try options(lines)
        var text = options.close ? "c" : ""
        if options.keepAlive { text += "k" }
        if options.upgrade { text += "u" }
        if options.hasOtherTokens { text += "+\(options.otherTokenCount)" }
        #expect(text == found)
    }

    @Test("32 other options are taken, one more is refused")
    func tooMany() throws {
        let most = (0..<32).map { "x\($0)" }.joined(separator: ",")
        #expect(try options("Connection: \(most), close\r\n").otherTokenCount == 32)
        #expect(throws: ParseError.tooManyConnectionOptions) {
            try options("Connection: \(most)\r\nConnection: y\r\n")
        }
        #expect(ParseError.tooManyConnectionOptions.status == 400)
    }

    @Test(
        "a field is nominated when Connection lists its name (RFC 9110 §7.6.1)",
        arguments: [
            ("Connection: X-A\r\n", "X-A", true), ("Connection: x-a\r\n", "X-A", true),
            ("Connection: close, X-B ,X-A\r\n", "x-a", true),
            ("Connection: X-B\r\nConnection: X-A\r\n", "X-A", true),
            ("Connection: X-AB\r\n", "X-A", false), ("Connection: X\r\n", "X-A", false),
            ("Connection: close\r\n", "X-A", false), ("", "X-A", false),
            ("Connection: X-A;b\r\n", "X-A", false),
            ("Connection: X-B\r\nX: X-A\r\n", "X-A", false),
        ])
    func nominations(lines: String, name: String, isNominated: Bool) throws {
        let bytes = latin1(name)
        let answer = try read(lines) { head, message in
            try ConnectionOptions(head.fields, in: message)
                .nominates(bytes.span, head.fields, in: message)
        }
        #expect(answer == isNominated)
    }
}
