import HTTPParser
import StickyPolicy
import Transport

/// One connection to the admin listener: reads a request, sends the answer, and begins anew.
final class AdminConnection: ConnectionHandler {
    private enum Phase {
        /// Waits for a request, or the rest of one.
        case head
        /// Passes over the body of a request; nothing here is asked with one.
        case body(rest: UInt64, answer: [UInt8], isLast: Bool)
        case answering(AnswerInPieces, isLast: Bool)
        /// The last answer is on its way; what still comes is thrown away.
        case ending
    }

    let connection: Connection
    private let answer: (AdminRequest) -> AdminResponse
    private let onClose: (AdminConnection) -> Void
    private let limits: AdminLimits
    private let parser: RequestParser
    private var phase = Phase.head
    private var head = RequestHead()
    private var scannedCount = 0
    /// The deadline is that of a request that has begun.
    private var hasBegun = false

    /// - Parameters:
    ///   - answer: whoever decides what a request gets.
    ///   - onClose: called once; the owner lets go at the end of the loop's turn.
    init(
        _ connection: Connection, limits: AdminLimits,
        answer: @escaping (AdminRequest) -> AdminResponse,
        onClose: @escaping (AdminConnection) -> Void
    ) {
        self.connection = connection
        self.limits = limits
        parser = RequestParser(
            limits: ParserLimits(
                headBytesMax: limits.headBytes, targetBytesMax: limits.headBytes,
                fieldCountMax: 64))
        self.answer = answer
        self.onClose = onClose
        connection.handler = self
        // The first request is under way: a client that connects and says nothing is not idle.
        begin()
    }

    /// Between two requests: what makes room first.
    var isIdle: Bool {
        if case .head = phase { !hasBegun } else { false }
    }

    /// Of an answer that the peer has not taken all of: it is held as a whole.
    var heldByteCount: Int {
        switch phase {
        case .head, .ending: 0
        case .body(_, let answer, _): answer.count
        case .answering(let pieces, _): pieces.byteCount
        }
    }

    // MARK: - Events

    func connectionReady(_ connection: Connection) {
        _ = connection.flush()
        // 16: a burst of pipelined requests, and then others have their turn.
        var stepCount = 0
        while connection.isOpen, step() {
            stepCount += 1
            if stepCount == 16 { return connection.runAgain() }
        }
    }

    func connectionDeadlinePassed(_ connection: Connection) {
        close()
    }

    func close() {
        guard connection.isOpen else { return }
        connection.close()
        // This object lives to the end of the turn; its answer need not.
        phase = .ending
        onClose(self)
    }

    private func wait(atMost time: Duration) {
        connection.deadline = connection.loop.now + time
    }

    private func begin() {
        hasBegun = true
        wait(atMost: limits.requestTime)
    }

    // MARK: - Steps

    /// False when everything waits for the peer.
    private func step() -> Bool {
        guard connection.error == nil else {
            close()
            return false
        }
        guard !connection.hasUnsentBytes else { return false }
        switch phase {
        case .answering(let pieces, let isLast): return sendPiece(of: pieces, isLast: isLast)
        case .head: return readHead() || receive()
        case .body(let rest, let answer, let isLast):
            return skipBody(rest, then: answer, isLast: isLast) || receive()
        case .ending:
            connection.consumePending(connection.pendingByteCount)
            return receive()
        }
    }

    private func receive() -> Bool {
        switch connection.receivePending(reserving: 4096) {
        case .bytes(let count) where count > 0:
            if case .head = phase, !hasBegun { begin() }
            return true
        case .wouldBlock: return false
        case .bytes, .endOfStream, .failed:
            close()
            return false
        }
    }

    private func readHead() -> Bool {
        guard let pending = connection.pending else { return false }
        do throws(ParseError) {
            let byteCount = try pending.withBytes { bytes throws(ParseError) -> Int? in
                let progress = try parser.parse(bytes, scannedCount: &scannedCount, into: &head)
                guard case .complete(let byteCount) = progress else { return nil }
                try receiveRequest(bytes.extracting(first: byteCount))
                return byteCount
            }
            guard let byteCount else { return false }
            connection.consumePending(byteCount)
        } catch {
            let refusal = AdminResponse(status: error.status, "this is no request: \(error)")
            send(bytes(of: refusal, isLast: true, omitsBody: false), isLast: true)
        }
        return true
    }

    private func receiveRequest(_ bytes: Span<UInt8>) throws(ParseError) {
        let framing = try MessageFraming.ofRequest(head, in: bytes)
        let options = try ConnectionOptions(head.fields, in: bytes)
        var isLast = head.version == .http10 || options.close
        let response: AdminResponse
        var rest: UInt64 = 0
        switch framing {
        case .none: response = answer(AdminRequest(head, in: bytes))
        case .length(let count) where count <= limits.bodyBytes:
            rest = count
            response = answer(AdminRequest(head, in: bytes))
        case .length, .chunked, .untilClose:
            isLast = true
            response = AdminResponse(status: 413, "no request here needs such a body")
        }
        let whole = self.bytes(of: response, isLast: isLast, omitsBody: head.method == .head)
        if rest > 0 {
            phase = .body(rest: rest, answer: whole, isLast: isLast)
        } else {
            send(whole, isLast: isLast)
        }
    }

    private func skipBody(_ rest: UInt64, then answer: [UInt8], isLast: Bool) -> Bool {
        let skipped = min(rest, UInt64(connection.pendingByteCount))
        guard skipped > 0 else { return false }
        connection.consumePending(Int(skipped))
        if skipped == rest {
            send(answer, isLast: isLast)
        } else {
            phase = .body(rest: rest - skipped, answer: answer, isLast: isLast)
        }
        return true
    }

    // MARK: - Answers

    private func bytes(
        of response: AdminResponse, isLast: Bool, omitsBody: Bool
    ) -> [UInt8] {
        let date = CivilDate(unixSeconds: connection.loop.unixSeconds).imfText
        return response.bytes(date: date, isLast: isLast, omitsBody: omitsBody)
    }

    private func send(_ bytes: [UInt8], isLast: Bool) {
        phase = .answering(AnswerInPieces(bytes), isLast: isLast)
    }

    private func sendPiece(of pieces: AnswerInPieces, isLast: Bool) -> Bool {
        var pieces = pieces
        wait(atMost: limits.pieceTime)
        pieces.sendNext(on: connection)
        guard pieces.isDone else {
            phase = .answering(pieces, isLast: isLast)
            return true
        }
        if isLast {
            // A close with unread bytes would take the answer back (RFC 9112 §9.6).
            phase = .ending
            connection.finishSending()
        } else {
            phase = .head
            hasBegun = connection.pendingByteCount > 0
            wait(atMost: hasBegun ? limits.requestTime : limits.idleTime)
        }
        return true
    }
}

/// An answer that is sent a piece at a time, so that the connection copies little of it.
private struct AnswerInPieces {
    private let bytes: [UInt8]
    private var offset = 0
    private static let pieceBytes = 64 * 1024

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isDone: Bool { offset == bytes.count }
    var byteCount: Int { bytes.count }

    mutating func sendNext(on connection: Connection) {
        let end = min(offset + AnswerInPieces.pieceBytes, bytes.count)
        _ = connection.send(bytes.span.extracting(offset..<end))
        offset = end
    }
}

extension CivilDate {
    /// As in a Date field (RFC 9110 §5.6.7).
    fileprivate var imfText: String {
        var writer = ByteWriter(capacity: 64)
        appendIMFDate(to: &writer)
        return String(decoding: writer.copyBytes(), as: UTF8.self)
    }
}
