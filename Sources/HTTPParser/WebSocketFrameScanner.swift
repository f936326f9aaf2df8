/// Finds where the frames of one direction of a WebSocket end (RFC 6455 §5.2), and never looks at
/// a payload, so that a control frame can be put between two of them.
///
/// It judges nothing: whether a frame is allowed is for the two ends to say. Its whole state is a
/// few numbers, and the bytes may be shown in pieces of any size.
public struct WebSocketFrameScanner: Sendable, Equatable {
    /// Bytes of the current frame's head that were seen.
    private var headByteCount: UInt8 = 0
    /// Bytes that this head has; 2 until they tell of more.
    private var headBytes: UInt8 = 2
    private var lengthBytes: UInt8 = 0
    private var opcode: UInt8 = 0
    /// The payload's length while the head is read, then what is still to come.
    private var payloadLeft: UInt64 = 0
    /// A Close frame has passed whole: nothing follows it in this direction (RFC 6455 §5.5.1).
    public private(set) var hasSeenClose = false
    /// A length that no frame can have came by: what follows has no boundaries we know of.
    public private(set) var isLost = false

    private static var closeOpcode: UInt8 { 8 }

    public init() {}

    /// The last byte shown was the last of its frame, or there was none yet.
    public var isBetweenFrames: Bool { headByteCount == 0 && !isLost }

    /// Passes over all of `bytes`.
    public mutating func skip(_ bytes: Span<UInt8>) {
        var offset = 0
        while skipFrame(in: bytes, from: &offset) {}
    }

    /// Passes over bytes from `offset` on, up to the end of the frame that they belong to, and
    /// moves `offset` there. False when the bytes end before the frame does.
    public mutating func skipFrame(in bytes: Span<UInt8>, from offset: inout Int) -> Bool {
        while offset < bytes.count, !isLost {
            if headByteCount < headBytes {
                readHead(bytes[offset])
                offset += 1
            } else {
                let count = min(payloadLeft, UInt64(bytes.count - offset))
                payloadLeft -= count
                offset += Int(count)
            }
            if headByteCount == headBytes, payloadLeft == 0 {
                endFrame()
                return true
            }
        }
        if isLost { offset = bytes.count }
        return false
    }

    private mutating func readHead(_ byte: UInt8) {
        switch headByteCount {
        case 0: opcode = byte & 0x0F
        case 1: readShortLength(byte)
        case 2..<(2 + lengthBytes):
            // RFC 6455 §5.2: the most significant bit of 64 is 0.
            if headByteCount == 2, lengthBytes == 8, byte & 0x80 != 0 { isLost = true }
            payloadLeft = payloadLeft << 8 | UInt64(byte)
        default: break  // The masking key.
        }
        headByteCount += 1
    }

    private mutating func readShortLength(_ byte: UInt8) {
        let length = byte & 0x7F
        lengthBytes = length == 127 ? 8 : length == 126 ? 2 : 0
        payloadLeft = lengthBytes == 0 ? UInt64(length) : 0
        headBytes = 2 + lengthBytes + (byte & 0x80 != 0 ? 4 : 0)
    }

    private mutating func endFrame() {
        if opcode == WebSocketFrameScanner.closeOpcode { hasSeenClose = true }
        headByteCount = 0
        headBytes = 2
    }
}
