import HTTPParser
import ProxyCore
import StickyPolicy
import Transport

/// One client connection and its current exchange: the hub of the data path.
///
/// It carries out what `Exchange` decides, in the order of time: read a head, choose a backend,
/// connect, forward, relay, finish, begin anew. It owns its downstream connection and the leased
/// upstream one, and holds no buffer while it waits for a request.
///
/// This file is the life of the connection; the extensions hold the request, the attempts to have
/// it answered, the response and the tunnel.
final class ClientConnection: ConnectionHandler {
    let worker: WorkerContext
    /// Those of the worker.
    let buffers: LoopBuffers
    let downstream: Connection
    /// Non-nil exactly while a connection to a backend is leased or being opened.
    var upstream: UpstreamConnection?
    var exchange = Exchange()
    /// What the routes file said when this exchange began: a reload does not change it midway, or
    /// only where `former` has what matters of it.
    var configuration: WorkerConfiguration
    var former: FormerConfiguration?
    /// Where this exchange goes, and why. Non-nil exactly while there is a backend to speak of.
    var choice: Choice?

    /// The request as the backend gets it, while it may still have to be sent, or sent again.
    var unconfirmedRequest: ByteBuffer?
    var requestRelay = BodyRelay(framing: .none, target: .plain)
    var responseRelay = BodyRelay(framing: .none, target: .plain)
    /// Of a request that offers an upgrade, and of what becomes of it; else nil.
    var tunnel: Tunnel?
    /// When the WebSocket is to be ended, because the process is; the distant future: never.
    private var endMoment = MonotonicTime.distantFuture
    /// When the tunnel is cut if it has not ended by then, because its backend goes.
    private var cutMoment = MonotonicTime.distantFuture
    /// 500 ms: what a client sent before it could know of our end has come by then.
    private static let drainGrace: UInt64 = 500_000_000

    /// How much of a partial head was looked at already.
    var scannedRequestCount = 0
    var scannedResponseCount = 0
    /// What is remembered of this exchange for its record.
    var progress = ExchangeProgress()
    /// What its line of the access log repeats of its head, where there is such a log.
    var excerpt: RequestExcerpt?

    /// Counted at the chosen backend, where that has a bound.
    var heldPlace: BoundedCount?
    /// Non-nil exactly while the request waits for a place.
    var queueTicket: QueueTicket?

    /// Non-nil exactly when the client speaks TLS.
    var security: ClientSecurity?
    /// More about a refusal than its status says, where there is more.
    var refusalDetail: RefusalDetail?
    /// Between two requests, with nothing begun.
    var isIdle: Bool {
        exchange.responseSide == .idle && downstream.pendingByteCount == 0
            && !downstream.hasUnsentBytes
    }

    /// After a 101.
    var isTunnel: Bool { exchange.responseSide == .tunnel }
    var isWebSocket: Bool { tunnel?.webSocket != nil }

    let peer: IPAddress
    let listener: ListenerLoad
    /// Position in the worker's table of clients.
    var slot = 0

    // The small ones side by side: an idle client consists of little else.

    /// How much of the prepared request is its head.
    var preparedHeadByteCount: UInt32 = 0
    var requestCount: UInt32 = 0
    /// What a slow reader had still to take when its time was up last.
    private var untakenByteCount: UInt32?
    private(set) var isClosed = false
    let localPort: UInt16
    /// The client speaks in the clear where TLS is expected: it gets an answer that says so.
    var isOnWrongPort = false
    /// Connections of the client's network have a limit, and this one is counted.
    var isCountedForClient = false
    /// The response's framing tells the client where it ends.
    var clientSeesEnd = true
    /// What the deadline is about; nil makes it begin anew.
    var currentWait: Wait?
    /// The deadline is the moment to ask whether the backend has the request at all.
    private var looksForArrival = false

    init(_ connection: Connection, from client: ClientOrigin, worker: WorkerContext) {
        self.worker = worker
        buffers = worker.buffers
        peer = client.peer
        localPort = client.localPort
        listener = client.listener
        downstream = connection
        configuration = worker.configuration
    }

    // MARK: - Events

    func connectionReady(_ connection: Connection) {
        let unsent = connection.unsentByteCount
        if connection.hasUnsentBytes || connection.hasFinishedSending { _ = connection.flush() }
        // A part that was taken is progress, even if nothing more can be moved yet.
        if connection.unsentByteCount < unsent { currentWait = nil }
        advance()
    }

    func connectionDeadlinePassed(_ connection: Connection) {
        if endMoment != .distantFuture {
            if endMoment == cutMoment { return close() }
            endMoment = cutMoment
            if !isWebSocket && isIdle { return close() }
            if isWebSocket { progress.note(.stopped) }
            endWebSocket()
            return advance()
        }
        guard let wait = currentWait else { return }
        currentWait = nil
        if isBeingTaken(wait) { return arm(wait) }
        if looksForArrival, let rest = configuration.waitBehindLook {
            lookForArrival(rest)
            return advance()
        }
        switch wait {
        case .connect: connectFailed(.connectTimedOut)
        case .queue where queueTicket.map { worker.loop.now < $0.end } == true: break
        case .queue: timeIsUp(for: wait)
        case .backendRead, .backendWrite:
            if !answerFailed(.timedOut) { timeIsUp(for: wait) }
        case .clientIdle, .requestHead, .requestBody, .clientWrite, .tunnelIdle, .linger:
            timeIsUp(for: wait)
        }
        advance()
    }

    private func timeIsUp(for wait: Wait) {
        progress.note(.timedOut)
        perform(exchange.deadlinePassed(wait))
    }

    /// Whether a slow reader has taken something since it was last looked at. The kernel tells of
    /// room only when a third of its buffer is free, which can take such a reader minutes; so it is
    /// asked when the time is up, and the time begins anew when less is waiting.
    private func isBeingTaken(_ wait: Wait) -> Bool {
        let reader: Connection? =
            switch wait {
            case .clientWrite: downstream
            case .backendWrite: upstream?.connection
            case .clientIdle, .requestHead, .requestBody, .queue, .connect, .backendRead,
                .tunnelIdle, .linger:
                nil
            }
        guard let count = reader.map({ UInt32(clamping: $0.untakenByteCount) }) else {
            return false
        }
        defer { untakenByteCount = count }
        return untakenByteCount.map { count < $0 } ?? true
    }

    /// A node that has lost its power or its cable closes nothing, and a kept connection to it
    /// looks sound. What it has not even acknowledged in the time of a handshake is sent elsewhere.
    private func lookForArrival(_ rest: UInt64) {
        looksForArrival = false
        guard let count = upstream?.connection.untakenByteCount, count > 0 else {
            currentWait = .backendRead
            downstream.deadline = worker.loop.now.advanced(byNanoseconds: rest)
            return
        }
        if !answerFailed(.broken) { perform(exchange.upstreamFailed()) }
    }

    /// 8: enough for a burst of pipelined requests or two megabytes of a body, and few enough to be
    /// fair to the other connections of the loop.
    private static let stepsPerTurn = 8

    /// Does what can be done now, and sets the deadline for what cannot.
    func advance() {
        var steps = 0
        while !isClosed, step() {
            steps += 1
            if steps == ClientConnection.stepsPerTurn {
                worker.loop.runAgain(downstream)
                break
            }
        }
        if !isClosed { updateDeadline(hasProgressed: steps > 0) }
    }

    /// Moves one thing one step. False when everything waits for somebody else.
    private func step() -> Bool {
        if case .tunnel = exchange.responseSide { return pumpTunnel() }
        // The client has reset, or a send to it failed: nobody is left to answer.
        if downstream.isHungUp || downstream.hasFailed {
            progress.note(.clientLeft)
            close()
            return false
        }
        if case .discarding = exchange.requestSide { return discardInput() }
        switch exchange.responseSide {
        case .idle: return readRequest()
        case .queued: return leaveQueueIfPossible()
        case .connecting: return finishConnecting()
        case .awaitingHead, .body: return relay()
        case .tunnel, .complete: return false
        }
    }

    private func relay() -> Bool {
        let hasSent = relayRequestBody()
        let hasReceived =
            switch exchange.responseSide {
            case .awaitingHead: readResponseHead()
            case .body: relayResponseBody()
            case .idle, .queued, .connecting, .tunnel, .complete: false
            }
        return hasSent || hasReceived
    }

    private func updateDeadline(hasProgressed: Bool) {
        if endMoment != .distantFuture {
            currentWait = nil
            downstream.deadline = endMoment
            return
        }
        let backlog = Exchange.Backlog(
            downstream: downstream.hasUnsentBytes,
            upstream: upstream?.connection.hasUnsentBytes ?? false,
            headHasBegun: downstream.pendingByteCount > 0)
        let wait = exchange.wait(with: backlog)
        guard wait != currentWait || (hasProgressed && wait.isRenewedByProgress) else { return }
        untakenByteCount = nil
        arm(wait)
    }

    private func arm(_ wait: Wait) {
        currentWait = wait
        looksForArrival =
            wait == .backendRead && exchange.mayBeSentAgain
            && configuration.waitBehindLook != nil
        if wait == .queue {
            downstream.deadline = nextLookAtQueue
        } else {
            downstream.deadline = configuration.deadline(
                for: looksForArrival ? .connect : wait, from: worker.loop.now)
        }
    }

    // MARK: - Actions

    /// Carries out what the exchange decided. Actions that need a response head at hand are carried
    /// out where it is read.
    func perform(_ action: Exchange.Action) {
        switch action {
        case .wait: break
        case .connect: connect()
        case .forwardRequest: forwardRequest()
        case .forwardInterim, .skipInterim, .forwardResponse, .openTunnel:
            preconditionFailure("no response head is at hand")
        case .respond(let status): respondLocally(status)
        case .finish(let reuseDownstream, let reuseUpstream):
            finish(reuseDownstream: reuseDownstream, reuseUpstream: reuseUpstream)
        case .abort: close()
        }
    }

    // MARK: - Ends

    private func respondLocally(_ status: UInt16) {
        releaseUpstream(reusing: false)
        var response = LocalResponse(status: status)
        response.persistence = Persistence(
            isKept: exchange.request.wantsKeepAlive, version: exchange.request.version)
        response.omitsBody = exchange.request.method == .head
        if let refusalDetail {
            if (300..<400).contains(status) { response.location = refusalDetail.location }
            response.explanation = refusalDetail.explanation
        }
        if isOnWrongPort { response.explanation = "this port speaks TLS: use https" }
        beginRecordIfNone()
        progress.answeredLocally(status, byteCount: response.bodyByteCount)
        if security?.sendsHSTS == true { response.fieldLines = ResponseForwarding.hstsLine }
        buffers.output.removeAll()
        response.write(date: worker.dateLine, into: &buffers.output)
        buffers.sendOutput(on: downstream)
        perform(exchange.localResponseSent())
    }

    private func finish(reuseDownstream: Bool, reuseUpstream: Bool) {
        releaseUpstream(reusing: reuseUpstream)
        forgetExchange()
        if reuseDownstream {
            exchange.reset()
            clientSeesEnd = true
            // The next head has a time of its own, even if it has begun already.
            currentWait = nil
        } else {
            closeGently()
        }
    }

    /// The process is about to end: an idle connection is closed, one with an exchange ends with
    /// it, a WebSocket is told to go at `moment`. Any other tunnel lasts until time is up.
    func drain(endingWebSocketAt moment: MonotonicTime) {
        exchange.drainRequested()
        if isWebSocket {
            endMoment = moment
        } else if isIdle {
            // A request may be on its way, or in the socket already.
            endMoment = worker.loop.now.advanced(byNanoseconds: ClientConnection.drainGrace)
        }
        updateDeadline(hasProgressed: false)
    }

    /// The backend of this tunnel goes: a WebSocket is told so at `moment`, and what is left of any
    /// tunnel is cut at `end`.
    func endTunnel(at moment: MonotonicTime, cuttingAt end: MonotonicTime) {
        tunnel?.endsWithBackend = nil
        cutMoment = end
        endMoment = isWebSocket ? moment : end
        updateDeadline(hasProgressed: false)
    }

    private func forgetExchange() {
        reportExchange()
        leaveQueue()
        endChoice()
        // Nearly no exchange has any, and an assignment is not free.
        if tunnel != nil { tunnel = nil }
        if former != nil { former = nil }
        if refusalDetail != nil { refusalDetail = nil }
        forgetPreparedRequest()
        scannedResponseCount = 0
    }

    private func endChoice() {
        guard let ended = choice.take() else { return }
        ended.end(monotonicSeconds: worker.monotonicSeconds)
        // It would keep what it leads to, of a configuration that is gone.
        if former == nil { configuration.giveBack(ended) }
    }

    /// Closes so that the client can read the answer: a close with unread bytes would be a reset,
    /// and take the answer with it (RFC 9112 §9.6).
    private func closeGently() {
        let isQuiet = exchange.requestSide == .complete && downstream.pendingByteCount == 0
        if isQuiet && !downstream.isReadable && !downstream.hasUnsentBytes {
            close()
            return
        }
        exchange.discardRequest()
        downstream.finishSending()
    }

    /// Closes in the middle of whatever there is, because the process ends.
    func stop() {
        progress.note(.stopped)
        close()
    }

    /// Closes at once. A response whose end is the close itself is reset unless the kernel has all
    /// of it: with a mere close it would look whole.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        let hasMore = exchange.responseSide == .body || downstream.hasUnsentBytes
        releaseUpstream(reusing: false)
        forgetExchange()
        if hasMore && !clientSeesEnd { downstream.reset() } else { downstream.close() }
        // A method of this object may still be running: it dies at the end of the turn.
        worker.loop.keepUntilTurnEnd(self)
        worker.clientConnectionClosed(at: slot)
    }

    func releaseUpstream(reusing: Bool) {
        closeUpstream(reusing: reusing)
        leavePlace()
    }

    /// Lets go of the connection and keeps the place at its backend for another.
    func closeUpstream(reusing: Bool) {
        guard let leased = upstream else { return }
        upstream = nil
        scannedResponseCount = 0
        if reusing { leased.giveBack() } else { leased.close() }
    }
}
