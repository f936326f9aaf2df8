import HTTPParser
import Transport

/// One connection to one of the demonstration's backends: reads a request and its body, answers,
/// and begins anew, or becomes a WebSocket.
final class DemoConnection: ConnectionHandler {
    private enum Phase {
        case head
        case body(DemoRequestBody)
        case webSocket(DemoWebSocket)
        /// The last answer is on its way; what still comes is thrown away.
        case ending
    }

    private let connection: Connection
    private let backend: DemoBackend
    private let onClose: (DemoConnection) -> Void
    private var phase = Phase.head
    private var head = RequestHead()
    private var scannedCount = 0
    /// The answer to the request whose body is being read.
    private var answer: [UInt8] = []
    private var keepsConnection = true

    /// - Parameter onClose: called once; the owner lets go at the end of the loop's turn.
    init(
        _ connection: Connection, backend: DemoBackend,
        onClose: @escaping (DemoConnection) -> Void
    ) {
        self.connection = connection
        self.backend = backend
        self.onClose = onClose
        connection.handler = self
    }

    // MARK: - Events

    func connectionReady(_ connection: Connection) {
        _ = connection.flush()
        advance()
    }

    func connectionDeadlinePassed(_ connection: Connection) {
        close()
    }

    /// 16: a burst of pipelined requests, and then others have their turn.
    private static let stepsPerTurn = 16

    private func advance() {
        var stepCount = 0
        while connection.isOpen, step() {
            stepCount += 1
            if stepCount == DemoConnection.stepsPerTurn {
                connection.runAgain()
                break
            }
        }
        connection.deadline = patience.map { connection.loop.now + $0 }
    }

    /// How long a peer may be silent: longer than the proxy keeps an idle connection.
    private var patience: Duration? {
        switch phase {
        case .head, .body: .seconds(120)
        case .webSocket: nil
        case .ending: .seconds(5)
        }
    }

    /// False when everything waits for the peer. Who does not read is not answered further.
    private func step() -> Bool {
        guard !connection.hasUnsentBytes else { return false }
        guard connection.error == nil else {
            close()
            return false
        }
        return consume() || receive()
    }

    private func receive() -> Bool {
        // 4 KiB: a head, as a rule. A frame of 64 KiB makes its own room, step by step.
        switch connection.receivePending(reserving: 4096) {
        case .bytes(let count) where count > 0: return true
        case .wouldBlock: return false
        case .bytes, .endOfStream, .failed:
            close()
            return false
        }
    }

    func close() {
        guard connection.isOpen else { return }
        connection.close()
        onClose(self)
    }

    // MARK: - What has come

    /// True when something was done with the bytes that wait.
    private func consume() -> Bool {
        switch phase {
        case .head: return readHead()
        case .body(let body): return readBody(body)
        case .webSocket(let webSocket): return readFrame(webSocket)
        case .ending:
            let count = connection.pendingByteCount
            connection.consumePending(count)
            return count > 0
        }
    }

    private func readHead() -> Bool {
        guard let pending = connection.pending else { return false }
        do throws(ParseError) {
            let byteCount = try pending.withBytes { bytes throws(ParseError) -> Int? in
                let progress = try backend.parser.parse(
                    bytes, scannedCount: &scannedCount, into: &head)
                guard case .complete(let byteCount) = progress else { return nil }
                try receiveRequest(bytes.extracting(first: byteCount))
                return byteCount
            }
            guard let byteCount else { return false }
            connection.consumePending(byteCount)
        } catch {
            backend.refuse(error)
            sendOutput()
            end()
        }
        return true
    }

    private func receiveRequest(_ bytes: Span<UInt8>) throws(ParseError) {
        let framing = try MessageFraming.ofRequest(head, in: bytes)
        let options = try ConnectionOptions(head.fields, in: bytes)
        if framing == .none, UpgradeOffer.isWebSocket(head, options, in: bytes) {
            backend.acceptWebSocket(head, in: bytes)
            sendOutput()
            phase = .webSocket(DemoWebSocket(backendName: backend.name))
            return
        }
        keepsConnection = head.version == .http11 && !options.close
        backend.answer(head, in: bytes, keepsConnection: keepsConnection)
        answer = backend.output.copyBytes()
        phase = .body(DemoRequestBody(framing))
        // RFC 9110 §10.1.1: a client that expects it may be waiting with the body.
        if framing != .none, head.version == .http11, head.fields.contains(.expect) {
            send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        }
    }

    private func readBody(_ body: DemoRequestBody) -> Bool {
        var body = body
        var byteCount = 0
        do throws(ParseError) {
            if let pending = connection.pending {
                byteCount = try pending.withBytes { bytes throws(ParseError) in
                    try body.skip(bytes)
                }
            }
            connection.consumePending(byteCount)
        } catch {
            backend.refuse(error)
            sendOutput()
            end()
            return true
        }
        phase = .body(body)
        guard body.isComplete else { return byteCount > 0 }
        send(answer)
        answer = []
        phase = .head
        if !keepsConnection { end() }
        return true
    }

    private func readFrame(_ webSocket: DemoWebSocket) -> Bool {
        guard let pending = connection.pending else { return false }
        var webSocket = webSocket
        backend.output.removeAll()
        let byteCount = pending.withBytes { webSocket.take($0, into: &backend.output) }
        guard byteCount > 0 else { return false }
        phase = .webSocket(webSocket)
        connection.consumePending(byteCount)
        sendOutput()
        if webSocket.isOver { end() }
        return true
    }

    // MARK: - What goes

    private func sendOutput() {
        backend.output.withBytes { bytes in _ = connection.send(bytes) }
    }

    private func send(_ bytes: [UInt8]) {
        _ = connection.send(bytes.span)
    }

    /// Ends our side behind the last answer, and waits for the peer's end: a close with unread
    /// bytes would take the answer back (RFC 9112 §9.6).
    private func end() {
        phase = .ending
        connection.finishSending()
    }
}
