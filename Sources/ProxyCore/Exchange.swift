package import HTTPParser

/// One request and its response, crossing the proxy.
///
/// Pure: it is told what happened and answers what to do next. It owns no bytes, sockets or clocks,
/// so each rule below is tested without a network. Events are named in the past tense, actions are
/// imperatives.
package struct Exchange: Equatable, Sendable {
    /// Client to backend.
    package enum RequestSide: Equatable, Sendable {
        case awaitingHead
        case body
        /// The whole request was taken from the client.
        case complete
        /// The request was refused: what the client still sends is read and thrown away, so that it
        /// can read the answer before the connection goes (RFC 9112 §9.6).
        case discarding
    }

    /// Backend to client.
    package enum ResponseSide: Equatable, Sendable {
        case idle
        /// Every backend that may serve the request is full.
        case queued
        case connecting
        case awaitingHead
        case body
        /// After a 101 both sides are bytes without meaning (RFC 9110 §7.8).
        case tunnel
        /// The whole response was handed to the client's connection.
        case complete
    }

    /// What must be done now.
    package enum Action: Equatable, Sendable {
        /// Nothing until the next event.
        case wait
        /// Open or lease a connection to the backend chosen last.
        case connect
        /// Send the prepared request on the connection that is there now.
        case forwardRequest
        /// Pass a 1xx on and go on waiting.
        case forwardInterim
        /// Read a 1xx and say nothing: HTTP/1.0 clients do not know them (RFC 9110 §15.2).
        case skipInterim
        case forwardResponse
        /// Pass the 101 on and move bytes both ways from here.
        case openTunnel
        /// Answer for the backend.
        case respond(status: UInt16)
        /// The exchange is over; each connection is kept or closed.
        case finish(reuseDownstream: Bool, reuseUpstream: Bool)
        /// Cut both sides: a response that broke off must look broken off.
        case abort
    }

    package private(set) var requestSide = RequestSide.awaitingHead
    package private(set) var responseSide = ResponseSide.idle
    package private(set) var request = RequestFacts()

    /// Connections tried for this request.
    package private(set) var attempts: UInt8 = 0
    /// Interim responses passed or skipped for this request.
    private var interimCount: UInt8 = 0
    private var connection = UpstreamFacts()

    /// A backend that sends more 1xx than this is broken or hostile. 103 comes once or twice.
    package static let interimsMax: UInt8 = 16

    package init() {}

    /// What the response side needs to remember of the request.
    package struct RequestFacts: Equatable, Sendable {
        package var method = RequestMethod.get
        package var version = HTTPVersion.http11
        package var hasBody = false
        /// The client's wish, by version and Connection (RFC 9112 §9.3).
        package var wantsKeepAlive = true
        package var offersUpgrade = false
        /// The body follows once the backend has said 100 (RFC 9110 §10.1.1).
        package var expectsContinue = false
        /// The client can take trailers (RFC 9110 §10.1.4).
        package var acceptsTrailers = false
        /// Connections that may be tried. Three: the bound backend, its successor, and one more
        /// while Kubernetes notices a dead node.
        package var attemptsMax: UInt8 = 3
        /// A kept connection that turns out to be closed may be replaced by a new one.
        package var replacesStale = true

        package init() {}
    }

    /// What is known of the upstream connection in use.
    private struct UpstreamFacts: Equatable, Sendable {
        /// It carried a request before: it may have been closed while this one was on its way.
        var isReused = false
        /// The request can be sent again: it changes nothing twice, and all of it is at hand.
        var mayReplay = false
        var mayBeKept = false
    }
}

// MARK: - The request arrives and finds a backend

extension Exchange {
    /// A head was parsed, and a backend chosen or not.
    ///
    /// - Parameter refusal: the status of a request that no backend is to see, else nil.
    package mutating func requestHeadArrived(
        _ facts: RequestFacts, refusal: UInt16?
    ) -> Action {
        precondition(requestSide == .awaitingHead && responseSide == .idle)
        request = facts
        requestSide = facts.hasBody ? .body : .complete
        if let refusal { return respond(refusal) }
        return connect()
    }

    /// It is the backend's turn although the request is not whole: the client waits for its 100.
    var awaitsContinue: Bool {
        request.expectsContinue && responseSide == .awaitingHead && interimCount == 0
    }

    /// The head cannot be read as a request.
    package mutating func requestWasMalformed(_ error: ParseError) -> Action {
        request.wantsKeepAlive = false
        if responseSide.hasReachedClient { return .abort }
        // Where such a message ends is unknown, so nothing that follows it may be read as another.
        requestSide = .body
        return respond(error.status)
    }

    /// - Parameters:
    ///   - isReused: the connection carried a request before.
    ///   - mayReplay: all of the request is at hand, to be sent a second time.
    package mutating func upstreamConnected(isReused: Bool, mayReplay: Bool) -> Action {
        precondition(responseSide == .connecting)
        connection = UpstreamFacts()
        connection.isReused = isReused
        connection.mayReplay = mayReplay
        responseSide = .awaitingHead
        return .forwardRequest
    }

    /// - Parameter hasSuccessor: another backend was chosen to be tried now.
    package mutating func connectFailed(hasSuccessor: Bool, timedOut: Bool) -> Action {
        precondition(responseSide == .connecting)
        if hasSuccessor && mayConnectAgain { return connect() }
        return respond(timedOut ? 504 : 502)
    }

    /// No connection can be opened at all, to whatever backend.
    package mutating func connectingWasImpossible() -> Action {
        precondition(responseSide == .connecting)
        return respond(503)
    }

    /// Whether one more connection may be tried: asked before a successor is chosen.
    package var mayConnectAgain: Bool { attempts < request.attemptsMax }

    /// Whether the request, which was sent, may be sent again: the client has seen nothing of an
    /// answer, and all of the request is at hand.
    package var mayBeSentAgain: Bool {
        responseSide == .awaitingHead && connection.mayReplay && interimCount == 0
            && mayConnectAgain
    }

    /// Whether whatever comes of the request comes from the connection that has it: no other is
    /// asked.
    package var hasItsLastConnection: Bool {
        responseSide == .body || (responseSide == .awaitingHead && !connection.mayReplay)
    }

    /// What a kept connection breaks like that its backend has closed meanwhile: nobody failed.
    package var isStale: Bool { connection.isReused && interimCount == 0 }

    /// Nobody waits any more for the answer to what was sent: it is sent again.
    package mutating func requestSentAgain() -> Action {
        precondition(mayBeSentAgain)
        connection = UpstreamFacts()
        return connect()
    }

    /// The chosen backend has as many connections as it may.
    ///
    /// - Parameter mayWait: there is room in the queue.
    package mutating func backendWasFull(mayWait: Bool) -> Action {
        precondition(responseSide == .connecting)
        guard mayWait else { return respond(503) }
        // Nothing was tried.
        attempts -= 1
        responseSide = .queued
        return .wait
    }

    /// A request that waited has its place.
    package mutating func placeBecameFree() -> Action {
        precondition(responseSide == .queued)
        return connect()
    }

    private mutating func connect() -> Action {
        attempts += 1
        responseSide = .connecting
        return .connect
    }
}

// MARK: - Bodies and heads move

extension Exchange {
    /// The last byte of the request was taken from the client.
    package mutating func requestEnded() -> Action {
        guard requestSide == .body else { return .wait }
        requestSide = .complete
        return .wait
    }

    /// The request outgrew its limit while its body was on the way.
    package mutating func requestBodyOverflowed() -> Action {
        request.wantsKeepAlive = false
        return responseSide.hasReachedClient ? .abort : respond(413)
    }

    /// - Parameters:
    ///   - mayBeKept: by version and Connection of the response (RFC 9112 §9.3).
    package mutating func responseHeadArrived(status: UInt16, mayBeKept: Bool) -> Action {
        precondition(responseSide == .awaitingHead)
        connection.mayReplay = false
        if status == 101 { return switchProtocols() }
        if status < 200 { return interimArrived() }
        connection.mayBeKept = mayBeKept
        responseSide = .body
        // The rest of the request belongs to nothing once this is answered, so the client's
        // connection ends with the response, and its head says so (RFC 9112 §9.6).
        if requestSide == .body { request.wantsKeepAlive = false }
        return .forwardResponse
    }

    private mutating func switchProtocols() -> Action {
        // RFC 9110 §15.2.2: a 101 that nobody asked for is not an answer to this request.
        guard request.offersUpgrade, requestSide == .complete else { return respond(502) }
        responseSide = .tunnel
        return .openTunnel
    }

    private mutating func interimArrived() -> Action {
        interimCount += 1
        guard interimCount <= Exchange.interimsMax else { return respond(502) }
        return request.version == .http10 ? .skipInterim : .forwardInterim
    }

    /// What came cannot be read as a response.
    ///
    /// - Parameter nothingWasSent: the client has not seen a byte of it.
    package mutating func responseWasMalformed(nothingWasSent: Bool) -> Action {
        nothingWasSent ? respond(502) : .abort
    }

    /// The last byte of the response was handed to the client's connection.
    ///
    /// - Parameters:
    ///   - clientSeesEnd: the framing tells the client where the response ends, without a close.
    ///   - hasExcessBytes: the backend sent more than its response. Such a connection is never used
    ///     again: the next client would read those bytes as its answer.
    package mutating func responseEnded(clientSeesEnd: Bool, hasExcessBytes: Bool) -> Action {
        precondition(responseSide == .body)
        responseSide = .complete
        // An unfinished request body on the connection belongs to no later message.
        let requestIsWhole = requestSide == .complete
        return .finish(
            reuseDownstream: request.wantsKeepAlive && clientSeesEnd && requestIsWhole,
            reuseUpstream: connection.mayBeKept && requestIsWhole && !hasExcessBytes)
    }

    /// The next exchange of the same client connection begins.
    package mutating func reset() {
        self = Exchange()
    }
}

// MARK: - Somebody leaves, or is late

extension Exchange {
    /// The client will send no more (FIN).
    package mutating func downstreamEnded() -> Action {
        switch requestSide {
        case .awaitingHead, .body: .abort
        // A client may close its half after a whole request and still read (RFC 9112 §9.6).
        case .complete, .discarding: .wait
        }
    }

    /// The backend closed its half.
    ///
    /// - Parameter endsBody: the response body ends with the connection (RFC 9112 §6.3 item 8).
    package mutating func upstreamEnded(endsBody: Bool) -> Action {
        switch responseSide {
        case .awaitingHead: answerNeverCame()
        case .body: endsBody ? .wait : .abort
        case .idle, .queued, .connecting, .tunnel, .complete: .wait
        }
    }

    /// The upstream connection broke: a reset, or a write that failed.
    package mutating func upstreamFailed() -> Action {
        switch responseSide {
        case .awaitingHead: answerNeverCame()
        case .idle, .queued, .complete: .wait
        case .connecting, .body, .tunnel: .abort
        }
    }

    /// RFC 9110 §9.2.2: a request that changes nothing twice is sent once more when a kept
    /// connection turns out to be closed, which is what an idle timeout of the backend looks like.
    private mutating func answerNeverCame() -> Action {
        if isStale && connection.mayReplay && request.replacesStale {
            connection = UpstreamFacts()
            return connect()
        }
        return respond(502)
    }

    /// The process is about to end: the client's connection is not kept after this exchange.
    package mutating func drainRequested() {
        request.wantsKeepAlive = false
    }

    package mutating func deadlinePassed(_ wait: Wait) -> Action {
        switch wait {
        case .clientIdle, .linger, .clientWrite, .tunnelIdle: .abort
        case .requestHead, .requestBody: late(408)
        case .queue: late(503)
        case .connect: connectFailed(hasSuccessor: false, timedOut: true)
        case .backendRead, .backendWrite: late(504)
        }
    }

    private mutating func late(_ status: UInt16) -> Action {
        request.wantsKeepAlive = false
        if requestSide == .awaitingHead { requestSide = .body }
        return responseSide.hasReachedClient ? .abort : respond(status)
    }

    /// The proxy answers for itself. The client's connection lives on when the request was whole.
    private mutating func respond(_ status: UInt16) -> Action {
        responseSide = .complete
        if requestSide != .complete { request.wantsKeepAlive = false }
        return .respond(status: status)
    }

    /// Our own answer is on its way: what becomes of the connections.
    package mutating func localResponseSent() -> Action {
        .finish(reuseDownstream: request.wantsKeepAlive, reuseUpstream: false)
    }

    /// The client's connection ends with this exchange: what it still sends is thrown away.
    package mutating func discardRequest() {
        requestSide = .discarding
        responseSide = .complete
    }
}

extension Exchange.ResponseSide {
    /// Whether bytes of a final response may have gone to the client: from then on an error cannot
    /// be told any more, only shown by breaking off.
    fileprivate var hasReachedClient: Bool {
        switch self {
        case .idle, .queued, .connecting, .awaitingHead: false
        case .body, .tunnel, .complete: true
        }
    }
}
