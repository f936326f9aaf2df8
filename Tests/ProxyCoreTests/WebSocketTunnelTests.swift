import HTTPParser
import ProxyCore
import Testing

/// Ending a WebSocket from the middle (RFC 6455 §5.5.1, §7.1.2).
@Suite("Ending a WebSocket")
struct WebSocketTunnelTests {
    private static let text: [UInt8] = [0x81, 3, 0x61, 0x62, 0x63]
    private static let close: [UInt8] = [0x88, 2, 0x03, 0xE8]

    @Test("before it is to end, bytes pass as they come")
    func passes() {
        var tunnel = WebSocketTunnel()
        let bytes = Self.text + Self.close + [1, 2, 3]
        let move = tunnel.bytesCame(bytes.span, .fromClient)
        #expect(move == WebSocketTunnel.Move(forwardedCount: bytes.count, closes: false))
        #expect(!tunnel.isOver)
    }

    @Test("between two frames both sides are told at once, and then nothing more is passed")
    func atOnce() {
        var tunnel = WebSocketTunnel()
        _ = tunnel.bytesCame(Self.text.span, .fromClient)
        #expect(tunnel.end() == (true, true))
        for direction in [WebSocketTunnel.Direction.fromClient, .fromBackend] {
            let move = tunnel.bytesCame((Self.text + Self.close).span, direction)
            #expect(move == WebSocketTunnel.Move(forwardedCount: 0, closes: false))
        }
        // Both have answered.
        #expect(tunnel.isOver)
    }

    @Test("inside a frame, Close waits for its end", arguments: 1..<5)
    func insideFrame(seen: Int) {
        var tunnel = WebSocketTunnel()
        _ = tunnel.bytesCame(Array(Self.text[..<seen]).span, .fromBackend)
        #expect(tunnel.end() == (true, false))
        if seen < 4 {
            let more = tunnel.bytesCame(Array(Self.text[seen..<(seen + 1)]).span, .fromBackend)
            #expect(more == WebSocketTunnel.Move(forwardedCount: 1, closes: false))
        }
        let rest = Array(Self.text[min(seen + 1, 4)...])
        let move = tunnel.bytesCame((rest + Self.text + Self.close).span, .fromBackend)
        #expect(move == WebSocketTunnel.Move(forwardedCount: rest.count, closes: true))
    }

    @Test("a side that has said Close itself gets no second one behind it (RFC 6455 §5.5.1)")
    func ownClose() {
        var tunnel = WebSocketTunnel()
        _ = tunnel.bytesCame(Self.close.span, .fromClient)
        #expect(tunnel.end() == (false, true))
        _ = tunnel.bytesCame(Self.close.span, .fromBackend)
        #expect(tunnel.isOver)
        tunnel = WebSocketTunnel()
        _ = tunnel.bytesCame(Array(Self.close[..<2]).span, .fromClient)
        _ = tunnel.end()
        let move = tunnel.bytesCame(Array(Self.close[2...]).span, .fromClient)
        #expect(move == WebSocketTunnel.Move(forwardedCount: 2, closes: false))
    }

    @Test("our Close says 1001, masked towards a backend (RFC 6455 §5.3, §7.4.1)")
    func frames() {
        var writer = ByteWriter(capacity: 16)
        WebSocketCloseFrame.write(mask: nil, into: &writer)
        #expect(writer.copyBytes() == [0x88, 2, 0x03, 0xE9])
        writer.removeAll()
        WebSocketCloseFrame.write(mask: 0x1122_3344, into: &writer)
        #expect(
            writer.copyBytes() == [0x88, 0x82, 0x11, 0x22, 0x33, 0x44, 0x03 ^ 0x11, 0xE9 ^ 0x22])
    }
}
