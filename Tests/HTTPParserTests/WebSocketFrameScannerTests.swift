import HTTPParser
import Testing

/// Where frames end (RFC 6455 §5.2).
@Suite("WebSocket frame boundaries")
struct WebSocketFrameScannerTests {
    /// A frame with its payload.
    private static func frame(_ opcode: UInt8, _ count: Int, isMasked: Bool = false) -> [UInt8] {
        let mask: UInt8 = isMasked ? 0x80 : 0
        var head: [UInt8] = [0x80 | opcode]
        switch count {
        case 0..<126: head.append(mask | UInt8(count))
        case 126..<65536: head += [mask | 126, UInt8(count >> 8), UInt8(count & 0xFF)]
        default:
            head.append(mask | 127)
            for shift in stride(from: 56, through: 0, by: -8) {
                head.append(UInt8(truncatingIfNeeded: count >> shift))
            }
        }
        if isMasked { head += [1, 2, 3, 4] }
        // A payload that looks like Close frames.
        return head + [UInt8](repeating: 0x88, count: count)
    }

    private static let counts = [0, 1, 125, 126, 127, 65535, 65536, 70000]

    @Test(
        "a frame ends behind its payload, however its length is written",
        arguments: counts, [false, true])
    func lengths(count: Int, isMasked: Bool) {
        let bytes = Self.frame(2, count, isMasked: isMasked)
        var scanner = WebSocketFrameScanner()
        var offset = 0
        #expect(!scanner.skipFrame(in: bytes.dropLast().array.span, from: &offset))
        #expect(offset == bytes.count - 1 && !scanner.isBetweenFrames)
        scanner = WebSocketFrameScanner()
        offset = 0
        #expect(scanner.skipFrame(in: (bytes + [0x81]).span, from: &offset))
        #expect(offset == bytes.count && scanner.isBetweenFrames && !scanner.hasSeenClose)
    }

    @Test("boundaries are the same however the bytes are cut")
    func pieces() {
        let frames = [0, 5, 125, 126, 300].map { Self.frame(1, $0, isMasked: $0 % 2 == 0) }
        let bytes = frames.flatMap(\.self)
        var ends: Set<Int> = []
        var end = 0
        for frame in frames {
            end += frame.count
            ends.insert(end)
        }
        var scanner = WebSocketFrameScanner()
        for (position, byte) in bytes.enumerated() {
            scanner.skip([byte].span)
            #expect(scanner.isBetweenFrames == ends.contains(position + 1))
        }
    }

    @Test("a Close is seen when its last byte has come, and a payload is none (RFC 6455 §5.5.1)")
    func close() {
        var scanner = WebSocketFrameScanner()
        scanner.skip(Self.frame(2, 300).span)
        let close = Self.frame(8, 2, isMasked: true)
        scanner.skip(close.dropLast().array.span)
        #expect(!scanner.hasSeenClose)
        scanner.skip([close[close.count - 1]].span)
        #expect(scanner.hasSeenClose && scanner.isBetweenFrames)
    }

    @Test("a length with its top bit set ends the tracking (RFC 6455 §5.2)")
    func lost() {
        var scanner = WebSocketFrameScanner()
        scanner.skip(([0x82, 127, 0x80] + [UInt8](repeating: 0, count: 20)).span)
        #expect(scanner.isLost && !scanner.isBetweenFrames)
        scanner.skip(Self.frame(8, 0).span)
        #expect(!scanner.hasSeenClose)
    }

    @Test("the longest length that is allowed is waited for")
    func longest() {
        var scanner = WebSocketFrameScanner()
        scanner.skip([0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF].span)
        scanner.skip([UInt8](repeating: 0x88, count: 1000).span)
        #expect(!scanner.isLost && !scanner.isBetweenFrames && !scanner.hasSeenClose)
    }
}

extension ArraySlice<UInt8> {
    fileprivate var array: [UInt8] { Array(self) }
}
