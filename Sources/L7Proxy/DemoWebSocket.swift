import HTTPParser

/// The backend's side of one WebSocket: answers every text message with the backend's name and the
/// message itself (RFC 6455). Bytes in, bytes out; it knows no socket.
struct DemoWebSocket {
    /// 64 KiB for a message, in one frame or many: a demonstration needs a line.
    static let messageBytesMax = 64 * 1024

    private let prefix: [UInt8]
    private var message: [UInt8] = []
    private var isInsideMessage = false
    /// A Close frame was written: nothing is read any more.
    private(set) var isOver = false

    init(backendName: String) {
        prefix = Array("\(backendName): ".utf8)
    }

    /// Takes one frame from the start of `bytes` and writes what it is answered with.
    ///
    /// - Returns: how many bytes the frame took; 0 when it is not whole yet.
    mutating func take(_ bytes: Span<UInt8>, into writer: inout ByteWriter) -> Int {
        do throws(Violation) {
            guard let head = try FrameHead(bytes), bytes.count >= head.byteCount else { return 0 }
            try answer(head, payload: head.payload(in: bytes), into: &writer)
            return head.byteCount
        } catch {
            close(error.rawValue, into: &writer)
            return bytes.count
        }
    }

    private mutating func answer(
        _ head: FrameHead, payload: [UInt8], into writer: inout ByteWriter
    ) throws(Violation) {
        switch head.opcode {
        case .continuation, .text:
            // RFC 6455 §5.4: the frames of two messages are never mixed.
            guard isInsideMessage == (head.opcode == .continuation) else { throw .protocolError }
            try extend(with: payload, isFinal: head.isFinal, into: &writer)
        case .binary: throw .unsupportedData
        case .close: try close(answering: payload, into: &writer)
        case .ping: DemoWebSocket.write(.pong, payload, into: &writer)
        case .pong: break
        }
    }

    private mutating func extend(
        with payload: [UInt8], isFinal: Bool, into writer: inout ByteWriter
    ) throws(Violation) {
        guard message.count + payload.count <= DemoWebSocket.messageBytesMax else {
            throw .messageTooBig
        }
        message += payload
        isInsideMessage = !isFinal
        guard isFinal else { return }
        // RFC 6455 §8.1: text that is not UTF-8 fails the connection.
        guard String(validating: message, as: UTF8.self) != nil else { throw .invalidText }
        DemoWebSocket.write(.text, prefix + message, into: &writer)
        message = []
    }

    /// RFC 6455 §5.5.1: a Close is answered with a Close, as a rule with the same code.
    private mutating func close(
        answering payload: [UInt8], into writer: inout ByteWriter
    ) throws(Violation) {
        guard payload.count != 1 else { throw .protocolError }
        guard payload.count >= 2 else { return close(nil, into: &writer) }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        // RFC 6455 §7.4: these are never sent, and what is beyond them means nothing.
        guard (1000...4999).contains(code), ![1004, 1005, 1006, 1015].contains(code) else {
            throw .protocolError
        }
        close(code, into: &writer)
    }

    private mutating func close(_ code: UInt16?, into writer: inout ByteWriter) {
        isOver = true
        let payload = code.map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } ?? []
        DemoWebSocket.write(.close, payload, into: &writer)
    }

    /// RFC 6455 §5.1: a server masks nothing.
    private static func write(
        _ opcode: FrameHead.Opcode, _ payload: [UInt8], into writer: inout ByteWriter
    ) {
        writer.append(0x80 | opcode.rawValue)
        if payload.count < 126 {
            writer.append(UInt8(payload.count))
        } else {
            let isShort = payload.count <= 0xFFFF
            writer.append(isShort ? 126 : 127)
            for shift in stride(from: isShort ? 8 : 56, through: 0, by: -8) {
                writer.append(UInt8(truncatingIfNeeded: payload.count >> shift))
            }
        }
        writer.append(payload)
    }
}

/// Why a WebSocket is closed by us: the status code of its Close frame (RFC 6455 §7.4.1).
private enum Violation: UInt16, Error {
    case protocolError = 1002
    case unsupportedData = 1003
    case invalidText = 1007
    case messageTooBig = 1009
}

/// The bytes of a client's frame before its payload (RFC 6455 §5.2).
private struct FrameHead {
    enum Opcode: UInt8 {
        case continuation = 0x0
        case text = 0x1
        case binary = 0x2
        case close = 0x8
        case ping = 0x9
        case pong = 0xA
    }

    let opcode: Opcode
    let isFinal: Bool
    private let maskOffset: Int
    private let payloadCount: Int

    var byteCount: Int { maskOffset + 4 + payloadCount }

    /// Nil when the head is not whole yet. Tests each byte as soon as it is there, so no client can
    /// make us wait for more than a frame we take.
    init?(_ bytes: Span<UInt8>) throws(Violation) {
        guard bytes.count >= 2 else { return nil }
        // RFC 6455 §5.2: no extension was agreed on, so the reserved bits are 0; §5.1: a client
        // masks every frame.
        guard bytes[0] & 0x70 == 0, let opcode = Opcode(rawValue: bytes[0] & 0x0F),
            bytes[1] & 0x80 != 0
        else { throw .protocolError }
        self.opcode = opcode
        isFinal = bytes[0] & 0x80 != 0
        let short = Int(bytes[1] & 0x7F)
        // RFC 6455 §5.5: control frames are short and whole.
        guard opcode.rawValue < 0x8 || (isFinal && short < 126) else { throw .protocolError }
        guard let count = try FrameHead.payloadCount(short: short, in: bytes) else { return nil }
        payloadCount = count
        maskOffset = short < 126 ? 2 : short == 126 ? 4 : 10
    }

    private static func payloadCount(
        short: Int, in bytes: Span<UInt8>
    ) throws(Violation) -> Int? {
        guard short >= 126 else { return short }
        let end = short == 126 ? 4 : 10
        guard bytes.count >= end else { return nil }
        var count: UInt64 = 0
        for offset in 2..<end { count = count << 8 | UInt64(bytes[offset]) }
        // RFC 6455 §5.2: the shortest form that holds the length is the only one.
        guard count > (short == 126 ? 125 : 0xFFFF) else { throw .protocolError }
        guard count <= UInt64(DemoWebSocket.messageBytesMax) else { throw .messageTooBig }
        return Int(count)
    }

    /// The payload without its mask (RFC 6455 §5.3). The frame is whole.
    func payload(in bytes: Span<UInt8>) -> [UInt8] {
        let start = maskOffset + 4
        return (0..<payloadCount).map { bytes[start + $0] ^ bytes[maskOffset + $0 % 4] }
    }
}
