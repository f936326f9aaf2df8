import HTTPParser
import ProxyCore
import Testing

/// Which offers go to a backend, and which 101 answers them (RFC 9110 §7.8).
@Suite("Offers of another protocol, and their answers")
struct UpgradeExpectationTests {
    private static let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

    private func offer(_ upgrade: String, allowed: [String] = []) throws -> String? {
        let bytes = Array(
            """
            GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: \(upgrade)\r\n\
            \(Self.key)Sec-WebSocket-Version: 13\r\n\r\n
            """.utf8)
        var head = RequestHead()
        var scannedCount = 0
        _ = try RequestParser(limits: ParserLimits()).parse(
            bytes.span, scannedCount: &scannedCount, into: &head)
        let options = try ConnectionOptions(head.fields, in: bytes.span)
        let range = UpgradeRule.offer(
            head, options: options, in: bytes.span, allowed: allowed.map { Array($0.utf8) })
        return range.map { String(decoding: bytes[$0.offsets], as: UTF8.self) }
    }

    @Test(
        "one protocol of a list is offered: WebSocket, or what the route allows",
        arguments: [
            ("websocket", "websocket"), ("WebSocket, foo", "WebSocket"), ("spice", "spice"),
            ("foo, Spice/1", "Spice/1"), ("foo", nil), ("spice/2", nil), ("h2c", nil),
            ("websocket, h2c", nil), ("H2C, spice", nil),
        ])
    func offers(upgrade: String, expected: String?) throws {
        #expect(try offer(upgrade, allowed: ["spice", "spice/1"]) == expected)
    }

    @Test("no route allows anything but WebSocket by itself")
    func nothingAllowed() throws {
        #expect(try offer("spice") == nil)
        #expect(try offer("spice, websocket") == "websocket")
    }

    private func isMet(_ fields: String, version: String = "1.1") throws -> Bool {
        let bytes = Array("HTTP/\(version) 101 Switching Protocols\r\n\(fields)\r\n".utf8)
        var head = ResponseHead()
        var scannedCount = 0
        _ = try ResponseParser(limits: ParserLimits()).parse(
            bytes.span, scannedCount: &scannedCount, into: &head)
        let options = try ConnectionOptions(head.fields, in: bytes.span)
        return UpgradeExpectation(
            name: Array("websocket".utf8),
            webSocketAccept: Array("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".utf8)
        ).isMet(by: head, options: options, in: bytes.span)
    }

    private static let upgrade = "Upgrade: websocket\r\n"
    private static let connection = "Connection: Upgrade\r\n"
    private static let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

    @Test("a 101 with all three fields is the answer, in any case and order (RFC 6455 §4.1)")
    func met() throws {
        #expect(try isMet(Self.upgrade + Self.connection + Self.accept))
        #expect(
            try isMet(Self.accept + "connection: x, UPGRADE\r\nX: y\r\nupgrade: WebSocket\r\n"))
    }

    @Test(
        "a 101 that lacks or twists a field is none (RFC 6455 §4.1, RFC 9110 §15.2.2)",
        arguments: [
            connection + accept, upgrade + accept, upgrade + connection,
            "Upgrade: h2c\r\n" + connection + accept,
            "Upgrade: websocket, h2c\r\n" + connection + accept,
            upgrade + upgrade + connection + accept, upgrade + connection + accept + accept,
            upgrade + "Connection: close\r\n" + accept,
            upgrade + connection + "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
            upgrade + connection + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n",
            upgrade + connection + "Sec-WebSocket-Accept: \r\n",
            upgrade + connection + accept + "Content-Length: 0\r\n",
            upgrade + connection + accept + "Transfer-Encoding: chunked\r\n",
        ])
    func unmet(fields: String) throws {
        #expect(try !isMet(fields))
    }

    @Test("HTTP/1.0 switches to nothing (RFC 9110 §7.8)")
    func http10() throws {
        #expect(try !isMet(Self.upgrade + Self.connection + Self.accept, version: "1.0"))
    }
}
