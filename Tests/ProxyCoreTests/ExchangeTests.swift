import HTTPParser
import ProxyCore
import Testing

/// Event in, action out.
@Suite("An exchange")
struct ExchangeTests {
    @Test("a plain request and answer keep both connections")
    func plainExchange() {
        var exchange = Exchange()
        #expect(exchange.requestHeadArrived(get(), refusal: nil) == .connect)
        #expect(exchange.upstreamConnected(isReused: false, mayReplay: true) == .forwardRequest)
        #expect(exchange.responseHeadArrived(status: 200, mayBeKept: true) == .forwardResponse)
        #expect(exchange.ended() == .finish(reuseDownstream: true, reuseUpstream: true))
    }

    @Test("a backend that wants to close is not kept, the client is")
    func backendCloses() {
        var exchange = awaitingResponse(to: get())
        _ = exchange.responseHeadArrived(status: 200, mayBeKept: false)
        #expect(exchange.ended() == .finish(reuseDownstream: true, reuseUpstream: false))
    }

    @Test("a client that wants to close is closed, the backend is kept")
    func clientCloses() {
        var facts = get()
        facts.wantsKeepAlive = false
        var exchange = awaitingResponse(to: facts)
        _ = exchange.responseHeadArrived(status: 200, mayBeKept: true)
        #expect(exchange.ended() == .finish(reuseDownstream: false, reuseUpstream: true))
    }

    @Test("a request has its last connection once nothing can send it again")
    func lastConnection() {
        var exchange = Exchange()
        _ = exchange.requestHeadArrived(get(), refusal: nil)
        #expect(!exchange.hasItsLastConnection)
        var unrepeated = exchange
        _ = unrepeated.upstreamConnected(isReused: true, mayReplay: false)
        #expect(unrepeated.hasItsLastConnection)
        _ = exchange.upstreamConnected(isReused: true, mayReplay: true)
        #expect(!exchange.hasItsLastConnection)
        _ = exchange.responseHeadArrived(status: 103, mayBeKept: true)
        #expect(exchange.hasItsLastConnection)
        _ = exchange.responseHeadArrived(status: 200, mayBeKept: true)
        #expect(exchange.hasItsLastConnection)
        _ = exchange.ended()
        #expect(!exchange.hasItsLastConnection)
    }

    @Test("bytes behind the response spoil the upstream connection")
    func excessBytes() {
        var exchange = awaitingResponse(to: get())
        _ = exchange.responseHeadArrived(status: 200, mayBeKept: true)
        #expect(
            exchange.responseEnded(clientSeesEnd: true, hasExcessBytes: true)
                == .finish(reuseDownstream: true, reuseUpstream: false))
    }

    @Test("an answer before the end of the request keeps neither connection (RFC 9112 §9.3)")
    func earlyResponse() {
        var exchange = awaitingResponse(to: post())
        #expect(exchange.responseHeadArrived(status: 403, mayBeKept: true) == .forwardResponse)
        #expect(exchange.ended() == .finish(reuseDownstream: false, reuseUpstream: false))
    }

    @Test("a response that ends with its connection closes the client when it cannot tell")
    func closeDelimited() {
        var exchange = awaitingResponse(to: get())
        _ = exchange.responseHeadArrived(status: 200, mayBeKept: false)
        #expect(exchange.upstreamEnded(endsBody: true) == .wait)
        #expect(
            exchange.responseEnded(clientSeesEnd: false, hasExcessBytes: false)
                == .finish(reuseDownstream: false, reuseUpstream: false))
    }

    @Test("a refused request is answered without a backend", arguments: [404, 503] as [UInt16])
    func refusal(status: UInt16) {
        var exchange = Exchange()
        #expect(
            exchange.requestHeadArrived(get(), refusal: status) == .respond(status: status))
        #expect(
            exchange.localResponseSent() == .finish(reuseDownstream: true, reuseUpstream: false))
    }

    @Test("a refused request with a body ends the connection: its body is not a request")
    func refusalWithBody() {
        var exchange = Exchange()
        #expect(exchange.requestHeadArrived(post(), refusal: 404) == .respond(status: 404))
        #expect(
            exchange.localResponseSent() == .finish(reuseDownstream: false, reuseUpstream: false))
    }

    @Test("a head that is no request is refused and nothing after it is read as one")
    func malformedHead() {
        var exchange = Exchange()
        #expect(exchange.requestWasMalformed(.invalidFieldName) == .respond(status: 400))
        #expect(
            exchange.localResponseSent() == .finish(reuseDownstream: false, reuseUpstream: false))
    }

    @Test("a broken chunk after the response began cuts the connection")
    func malformedBodyLate() {
        var exchange = awaitingResponse(to: post())
        _ = exchange.responseHeadArrived(status: 200, mayBeKept: true)
        #expect(exchange.requestWasMalformed(.invalidChunkSize) == .abort)
    }
}

@Suite("A connection that fails")
struct ConnectionFailureTests {
    @Test("a refused connection is tried on the successor, three attempts in all")
    func connectRetries() {
        var exchange = Exchange()
        _ = exchange.requestHeadArrived(get(), refusal: nil)
        #expect(exchange.connectFailed(hasSuccessor: true, timedOut: false) == .connect)
        #expect(exchange.connectFailed(hasSuccessor: true, timedOut: false) == .connect)
        #expect(!exchange.mayConnectAgain)
        #expect(
            exchange.connectFailed(hasSuccessor: true, timedOut: false) == .respond(status: 502))
    }

    @Test("without a successor a refusal is 502 and a silence 504")
    func connectStatus() {
        var refused = Exchange()
        _ = refused.requestHeadArrived(get(), refusal: nil)
        var silent = refused
        #expect(
            refused.connectFailed(hasSuccessor: false, timedOut: false) == .respond(status: 502))
        #expect(silent.connectFailed(hasSuccessor: false, timedOut: true) == .respond(status: 504))
    }

    @Test("a kept connection that was closed under a replayable request is replaced once")
    func staleConnection() {
        var exchange = Exchange()
        _ = exchange.requestHeadArrived(get(), refusal: nil)
        _ = exchange.upstreamConnected(isReused: true, mayReplay: true)
        #expect(exchange.upstreamEnded(endsBody: false) == .connect)
        _ = exchange.upstreamConnected(isReused: false, mayReplay: true)
        #expect(exchange.upstreamEnded(endsBody: false) == .respond(status: 502))
    }

    @Test("a request that may change something twice is not replayed (RFC 9110 §9.2.2)")
    func noReplay() {
        var exchange = Exchange()
        _ = exchange.requestHeadArrived(post(), refusal: nil)
        _ = exchange.upstreamConnected(isReused: true, mayReplay: false)
        #expect(exchange.upstreamFailed() == .respond(status: 502))
    }

    @Test("a backend that dies inside its response takes the client's connection with it")
    func truncatedResponse() {
        var exchange = awaitingResponse(to: get())
        _ = exchange.responseHeadArrived(status: 200, mayBeKept: true)
        #expect(exchange.upstreamEnded(endsBody: false) == .abort)
        #expect(exchange.upstreamFailed() == .abort)
    }

    @Test("a client that leaves inside its request aborts, after it it is still answered")
    func clientLeaves() {
        var midBody = awaitingResponse(to: post())
        #expect(midBody.downstreamEnded() == .abort)
        var whole = awaitingResponse(to: get())
        #expect(whole.downstreamEnded() == .wait)
        var idle = Exchange()
        #expect(idle.downstreamEnded() == .abort)
    }
}

@Suite("Interim responses and upgrades")
struct InterimResponseTests {
    @Test("100 and 103 are passed on, and the answer is still awaited")
    func interims() {
        var exchange = awaitingResponse(to: post())
        #expect(exchange.responseHeadArrived(status: 100, mayBeKept: true) == .forwardInterim)
        #expect(exchange.responseHeadArrived(status: 103, mayBeKept: true) == .forwardInterim)
        #expect(exchange.responseSide == .awaitingHead)
    }

    @Test("an HTTP/1.0 client never sees a 1xx (RFC 9110 §15.2)")
    func interimForOldClient() {
        var facts = post()
        facts.version = .http10
        var exchange = awaitingResponse(to: facts)
        #expect(exchange.responseHeadArrived(status: 100, mayBeKept: true) == .skipInterim)
    }

    @Test("a flood of 1xx is a bad gateway")
    func interimFlood() {
        var exchange = awaitingResponse(to: get())
        for _ in 0..<Exchange.interimsMax {
            #expect(exchange.responseHeadArrived(status: 103, mayBeKept: true) == .forwardInterim)
        }
        #expect(exchange.responseHeadArrived(status: 103, mayBeKept: true) == .respond(status: 502))
    }

    @Test("a 101 opens a tunnel exactly when an upgrade was offered (RFC 9110 §15.2.2)")
    func switchingProtocols() {
        var facts = get()
        facts.offersUpgrade = true
        var offered = awaitingResponse(to: facts)
        #expect(offered.responseHeadArrived(status: 101, mayBeKept: true) == .openTunnel)
        var unasked = awaitingResponse(to: get())
        #expect(unasked.responseHeadArrived(status: 101, mayBeKept: true) == .respond(status: 502))
    }
}

@Suite("Waiting")
struct WaitTests {
    private let calm = Exchange.Backlog(downstream: false, upstream: false, headHasBegun: false)

    @Test("each state waits for one thing")
    func waits() {
        var exchange = Exchange()
        #expect(exchange.wait(with: calm) == .clientIdle)
        var begun = calm
        begun.headHasBegun = true
        #expect(exchange.wait(with: begun) == .requestHead)
        _ = exchange.requestHeadArrived(post(), refusal: nil)
        #expect(exchange.wait(with: calm) == .connect)
        _ = exchange.upstreamConnected(isReused: false, mayReplay: false)
        #expect(exchange.wait(with: calm) == .requestBody)
        _ = exchange.requestEnded()
        #expect(exchange.wait(with: calm) == .backendRead)
        var stuck = calm
        stuck.upstream = true
        #expect(exchange.wait(with: stuck) == .backendWrite)
        stuck.downstream = true
        #expect(exchange.wait(with: stuck) == .clientWrite)
    }

    @Test("a client that waits for 100 is not late, its backend is (RFC 9110 §10.1.1)")
    func awaitingContinue() {
        var facts = post()
        facts.expectsContinue = true
        var exchange = awaitingResponse(to: facts)
        #expect(exchange.wait(with: calm) == .backendRead)
        _ = exchange.responseHeadArrived(status: 100, mayBeKept: true)
        #expect(exchange.wait(with: calm) == .requestBody)
    }

    @Test("a late head or body is 408, a late backend 504, an idle client is just closed")
    func lateness() {
        var head = Exchange()
        #expect(head.deadlinePassed(.requestHead) == .respond(status: 408))
        var body = awaitingResponse(to: post())
        #expect(body.deadlinePassed(.requestBody) == .respond(status: 408))
        var backend = awaitingResponse(to: get())
        #expect(backend.deadlinePassed(.backendRead) == .respond(status: 504))
        var idle = Exchange()
        #expect(idle.deadlinePassed(.clientIdle) == .abort)
        var begun = awaitingResponse(to: get())
        _ = begun.responseHeadArrived(status: 200, mayBeKept: true)
        #expect(begun.deadlinePassed(.backendRead) == .abort)
    }
}

private func get() -> Exchange.RequestFacts { Exchange.RequestFacts() }

private func post() -> Exchange.RequestFacts {
    var facts = Exchange.RequestFacts()
    facts.method = .post
    facts.hasBody = true
    return facts
}

private func awaitingResponse(to facts: Exchange.RequestFacts) -> Exchange {
    var exchange = Exchange()
    _ = exchange.requestHeadArrived(facts, refusal: nil)
    _ = exchange.upstreamConnected(isReused: false, mayReplay: false)
    return exchange
}

extension Exchange {
    fileprivate mutating func ended() -> Action {
        responseEnded(clientSeesEnd: true, hasExcessBytes: false)
    }
}
