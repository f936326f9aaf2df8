import HTTPParser
import Testing

@Suite("WebSocket offers")
struct WebSocketOfferTests {
    private static let key = "dGhlIHNhbXBsZSBub25jZQ=="

    private func isOffer(_ message: String) throws -> Bool {
        let bytes = latin1(message)
        var head = RequestHead()
        var scannedCount = 0
        _ = try RequestParser(limits: ParserLimits())
            .parse(bytes.span, scannedCount: &scannedCount, into: &head)
        let options = try ConnectionOptions(head.fields, in: bytes.span)
        return UpgradeOffer.isWebSocket(head, options, in: bytes.span)
    }

    private func offer(
        _ start: String = "GET /chat HTTP/1.1", connection: String = "Upgrade",
        upgrade: String = "websocket", keyAndVersion: String? = nil
    ) -> String {
        let last =
            keyAndVersion
            ?? "Sec-WebSocket-Key: \(WebSocketOfferTests.key)\r\nSec-WebSocket-Version: 13\r\n"
        return
            "\(start)\r\nHost: a\r\nConnection: \(connection)\r\nUpgrade: \(upgrade)\r\n\(last)\r\n"
    }

    @Test("the handshake of RFC 6455 §4.1 is an offer")
    func plainOffer() throws {
        #expect(try isOffer(offer()))
    }

    @Test(
        "lists and cases do not matter (RFC 6455 §4.2.1)",
        arguments: [
            ("upgrade", "WebSocket"), ("keep-alive, Upgrade", "websocket"),
            ("Upgrade, X", "h2c, websocket"), ("UPGRADE", "WEBSOCKET , foo/1"),
        ])
    func variants(connection: String, upgrade: String) throws {
        #expect(try isOffer(offer(connection: connection, upgrade: upgrade)))
    }

    @Test(
        "another method or version is no offer",
        arguments: ["POST / HTTP/1.1", "HEAD / HTTP/1.1", "get / HTTP/1.1", "GET / HTTP/1.0"])
    func startLines(line: String) throws {
        #expect(try !isOffer(offer(line)))
    }

    @Test(
        "Connection and Upgrade must both say so",
        arguments: [
            ("close", "websocket"), ("keep-alive", "websocket"), ("Upgrade", "h2c"),
            ("Upgrade", "websockets"), ("Upgrade", "websocket/13"), ("Upgrade", ""),
            ("Upgraded", "websocket"), ("", "websocket"), ("Upgrade", "web socket"),
        ])
    func missingParts(connection: String, upgrade: String) throws {
        #expect(try !isOffer(offer(connection: connection, upgrade: upgrade)))
    }

    @Test(
        "the key is 16 bytes in base64 (RFC 6455 §4.1)",
        arguments: [
            "", "short", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
            "dGhlIHNhbXBsZSBub25jZQAA", "dGhlIHNhbXBsZSBub25jZQA=", "dGhlIHNhbXBsZSBub25j!Q==",
            "dGhlIHNhbXBsZSBub25j-Q==", "=GhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=\u{80}",
            "dGhlIHNhbXBsZSBub25jZ!==",
        ])
    func keys(key: String) throws {
        let last = "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n"
        #expect(try !isOffer(offer(keyAndVersion: last)))
    }

    @Test("every character of base64 may stand in the key")
    func keyAlphabet() throws {
        for key in [
            "ABCDEFGHIJKLMNOPQRSTUV==", "WXYZabcdefghijklmnopqr==", "stuvwxyz0123456789+/AA==",
        ] {
            let last = "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n"
            #expect(try isOffer(offer(keyAndVersion: last)))
        }
    }

    @Test(
        "key and version stand there once, and the version is 13",
        arguments: [
            "Sec-WebSocket-Key: \(key)\r\n", "Sec-WebSocket-Version: 13\r\n",
            "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 8\r\n",
            "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13, 8\r\n",
            "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 013\r\n",
        ])
    func keyAndVersion(lines: String) throws {
        #expect(try !isOffer(offer(keyAndVersion: lines)))
        let good = "Sec-WebSocket-Key: \(WebSocketOfferTests.key)\r\nSec-WebSocket-Version: 13\r\n"
        #expect(try !isOffer(offer(keyAndVersion: good + lines)))
    }
}
