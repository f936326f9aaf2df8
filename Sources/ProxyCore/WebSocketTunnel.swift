package import HTTPParser

/// The two directions of one WebSocket, so that it can be ended politely: each side gets a Close
/// frame between two frames of the other, and answers it to us (RFC 6455 §5.5.1, §7.1.2).
///
/// Pure, and blind to payloads. Until it is asked to end, bytes pass as they come.
package struct WebSocketTunnel: Sendable, Equatable {
    package enum Direction: Sendable, Equatable {
        case fromClient, fromBackend
    }

    /// What becomes of bytes that have come.
    package struct Move: Equatable, Sendable {
        /// How many of them are passed on; the rest is dropped.
        package var forwardedCount: Int
        /// Our Close frame follows them.
        package var closes: Bool

        package init(forwardedCount: Int, closes: Bool) {
            self.forwardedCount = forwardedCount
            self.closes = closes
        }
    }

    private struct Side: Sendable, Equatable {
        var scanner = WebSocketFrameScanner()
        /// Our Close went where these bytes go: nothing may follow it.
        var isClosed = false

        mutating func closeIfBetweenFrames() -> Bool {
            guard !isClosed, scanner.isBetweenFrames, !scanner.hasSeenClose else { return false }
            isClosed = true
            return true
        }
    }

    private var fromClient = Side()
    private var fromBackend = Side()
    private var isEnding = false

    package init() {}

    /// Both ends have said their Close, to each other or to us: nothing more is to come.
    package var isOver: Bool {
        isEnding && fromClient.scanner.hasSeenClose && fromBackend.scanner.hasSeenClose
    }

    package mutating func bytesCame(_ bytes: Span<UInt8>, _ direction: Direction) -> Move {
        switch direction {
        case .fromClient: WebSocketTunnel.move(bytes, &fromClient, isEnding: isEnding)
        case .fromBackend: WebSocketTunnel.move(bytes, &fromBackend, isEnding: isEnding)
        }
    }

    private static func move(_ bytes: Span<UInt8>, _ side: inout Side, isEnding: Bool) -> Move {
        if side.isClosed {
            side.scanner.skip(bytes)
            return Move(forwardedCount: 0, closes: false)
        }
        guard isEnding else {
            side.scanner.skip(bytes)
            return Move(forwardedCount: bytes.count, closes: false)
        }
        var offset = 0
        guard side.scanner.skipFrame(in: bytes, from: &offset), !side.scanner.hasSeenClose else {
            return Move(forwardedCount: bytes.count, closes: false)
        }
        side.isClosed = true
        side.scanner.skip(bytes.extracting(offset...))
        return Move(forwardedCount: offset, closes: true)
    }

    /// The tunnel is to end. Each direction that is between two frames now gets its Close at once,
    /// the others behind the frame that is on its way.
    ///
    /// - Returns: whether Close is to be sent now in place of bytes from this direction.
    package mutating func end() -> (fromClient: Bool, fromBackend: Bool) {
        isEnding = true
        return (fromClient.closeIfBetweenFrames(), fromBackend.closeIfBetweenFrames())
    }
}

/// A Close frame that says 1001, "going away" (RFC 6455 §7.4.1).
package enum WebSocketCloseFrame {
    private static var goingAway: (UInt8, UInt8) { (0x03, 0xE9) }

    /// - Parameter mask: the masking key of a frame to a backend, to which we are a client
    ///   (RFC 6455 §5.3); nil for a frame to a client.
    package static func write(mask: UInt32?, into writer: inout ByteWriter) {
        let (first, second) = goingAway
        writer.append(0x88)
        guard let mask else {
            writer.append(2)
            writer.append(first)
            writer.append(second)
            return
        }
        writer.append(0x82)
        for shift: UInt32 in [24, 16, 8, 0] {
            writer.append(UInt8(truncatingIfNeeded: mask >> shift))
        }
        writer.append(first ^ UInt8(truncatingIfNeeded: mask >> 24))
        writer.append(second ^ UInt8(truncatingIfNeeded: mask >> 16))
    }
}
