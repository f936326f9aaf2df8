import HTTPParser
import ProxyCore
import Transport

/// One check of one backend: connects, asks, and reports once what came of it.
final class HealthProbe: ConnectionHandler {
    /// What came of a check; nil where this machine could not make it.
    typealias Report = (CheckResult?, _ podCount: Int?) -> Void

    /// 16 KiB of an answer are looked at: a head and the beginning of a body.
    private static let answerBytesMax = 16 * 1024

    private let connection: Connection
    private let check: HealthCheck
    private let request: [UInt8]
    private let report: Report
    private var hasAsked = false
    private var isDone = false

    /// - Parameter report: is called once, unless the probe is cancelled before.
    init(
        _ target: HealthTarget, loop: EventLoop, report: @escaping Report
    ) throws(SystemError) {
        check = target.check
        self.report = report
        request = HealthProbe.request(for: check, host: target.host)
        connection = try Connection.connect(
            to: target.address, from: target.source, loop: loop)
        // Without a session, which only a want of memory denies, the check fails in the clear.
        if let tls = target.tls,
            let session = try? tls.makeSession(to: target.address, resuming: TLSResumption())
        {
            connection.startTLS(session)
        }
        connection.handler = self
        // The loop's clock may be a turn old: a probe begins at the turn's end.
        connection.deadline = MonotonicTime.now() + check.timeout
    }

    private static func request(for check: HealthCheck, host: String) -> [UInt8] {
        let path: String
        switch check.question {
        case .connect: return []
        case .http(let wanted): path = wanted
        case .node: path = "/healthz"
        }
        return Array(
            """
            GET \(path) HTTP/1.1\r
            Host: \(host)\r
            User-Agent: l7proxy-health-check\r
            Connection: close\r
            \r

            """.utf8)
    }

    /// Ends it without a report.
    func cancel() {
        isDone = true
        connection.close()
    }

    func connectionReady(_ connection: Connection) {
        guard !isDone, !connection.isConnecting else { return }
        if !hasAsked {
            if let error = connection.error {
                let reason = connection.tls?.failure.map { "TLS: \($0)" } ?? "\(error)"
                return finish(.failed(because: "no connection: \(reason)"))
            }
            if request.isEmpty { return finish(.passed) }
            hasAsked = true
            let request = request
            _ = connection.send(request.span)
        } else {
            _ = connection.flush()
        }
        receive()
    }

    func connectionDeadlinePassed(_ connection: Connection) {
        guard !isDone else { return }
        if hasAsked {
            judge(isOver: true, else: "no answer in time")
        } else {
            finish(.failed(because: "no connection in time"))
        }
    }

    private func receive() {
        while connection.pendingByteCount < HealthProbe.answerBytesMax {
            switch connection.receivePending(reserving: 4_096) {
            case .bytes(let count) where count > 0: continue
            case .bytes, .wouldBlock: return judge(isOver: false, else: "")
            case .endOfStream: return judge(isOver: true, else: "it closed without an answer")
            case .failed(let error): return judge(isOver: true, else: "\(error)")
            }
        }
        judge(isOver: true, else: "its answer has no end")
    }

    /// Looks at what has come, and reports when it is enough.
    ///
    /// - Parameters:
    ///   - isOver: nothing more comes.
    ///   - reason: why it failed, if there is not even a head then.
    private func judge(isOver: Bool, else reason: String) {
        let result = connection.pending?.withBytes { bytes in judge(bytes, isOver: isOver) }
        switch result {
        case .answer(let answer): finish(answer.result, answer.podCount)
        case .malformed: finish(.failed(because: "its answer is no HTTP"))
        case .incomplete, nil: if isOver { finish(.failed(because: reason)) }
        }
    }

    private enum Judgement {
        case incomplete, malformed
        case answer(CheckAnswer)
    }

    private func judge(_ bytes: Span<UInt8>, isOver: Bool) -> Judgement {
        var head = ResponseHead()
        var scannedCount = 0
        do throws(ParseError) {
            let parser = ResponseParser(limits: ParserLimits())
            guard
                case .complete(let bodyStart) = try parser.parse(
                    bytes, scannedCount: &scannedCount, into: &head)
            else { return .incomplete }
            // A body is only of interest where it may say why, or how many.
            let isEnough = check.question != .node && head.status != 503
            let framing = try MessageFraming.ofResponse(head, to: .get, in: bytes)
            let body = bytes.extracting(bodyStart...)
            guard isOver || isEnough || HealthProbe.isWhole(body, framing) else {
                return .incomplete
            }
            return .answer(CheckAnswer(head, in: bytes, bodyStart: bodyStart, to: check))
        } catch {
            return .malformed
        }
    }

    private static func isWhole(_ body: Span<UInt8>, _ framing: BodyFraming) -> Bool {
        switch framing {
        case .none: true
        case .length(let count): UInt64(body.count) >= count
        // Asked to close, the backend ends what has no length with the connection.
        case .chunked, .untilClose: false
        }
    }

    private func finish(_ result: CheckResult, _ podCount: Int? = nil) {
        guard !isDone else { return }
        isDone = true
        connection.close()
        report(result, podCount)
    }
}
