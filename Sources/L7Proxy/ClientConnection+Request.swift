import HTTPParser
import ProxyCore
import StickyPolicy
import Transport

/// Reading a request and sending it on.
extension ClientConnection {
    func readRequest() -> Bool {
        // The next request waits until the last answer is on its way: a client that does not read
        // cannot make us work ahead.
        guard !downstream.hasUnsentBytes else { return false }
        switch buffers.take(from: downstream, seen: scannedRequestCount) {
        case .nothing: return false
        case .endOfStream, .failed:
            clientEnded()
            return false
        case .bytes:
            parseRequest()
            return true
        }
    }

    /// The client sends no more: with a request that is not whole, it has gone.
    private func clientEnded() {
        let action = exchange.downstreamEnded()
        if action == .abort { progress.note(.clientLeft) }
        perform(action)
    }

    private func parseRequest() {
        do throws(ParseError) {
            let progress = try buffers.withInput { bytes throws(ParseError) in
                try worker.configuration.requestParser.parse(
                    bytes, scannedCount: &scannedRequestCount, into: &buffers.requestHead)
            }
            switch progress {
            case .needMore: buffers.keep(from: 0, with: downstream)
            case .complete(let byteCount):
                scannedRequestCount = 0
                try receiveRequest(headByteCount: byteCount)
            }
        } catch {
            scannedRequestCount = 0
            buffers.keep(from: buffers.inputCount, with: downstream)
            perform(exchange.requestWasMalformed(error))
        }
    }

    /// Decides about a whole head, prepares what the backend gets, and begins to connect.
    private func receiveRequest(headByteCount: Int) throws(ParseError) {
        if configuration !== worker.configuration { configuration = worker.configuration }
        requestCount &+= 1
        let action = try buffers.withInput { bytes throws(ParseError) in
            try decide(buffers.requestHead, in: bytes)
        }
        guard case .connect = action else {
            buffers.keep(from: headByteCount, with: downstream)
            return perform(action)
        }
        try prepareBody(from: headByteCount)
        // What came of the body behind the head may have been too much already.
        if case .connecting = exchange.responseSide { perform(.connect) }
    }

    /// Where the request goes, if anywhere; then the backend's head is in the loop's output.
    private func decide(
        _ head: RequestHead, in bytes: Span<UInt8>
    ) throws(ParseError) -> Exchange.Action {
        takeExcerpt(of: head, in: bytes)
        var arrival = try RequestArrival(
            head, in: bytes, from: self, under: configuration)
        if isLastRequest { arrival.facts.wantsKeepAlive = false }
        choice = arrival.choice.take()
        // Both are rare, and an assignment is not free.
        if arrival.facts.offersUpgrade {
            tunnel = arrival.expectedUpgrade.take().map(Tunnel.init(expecting:))
        }
        if arrival.refusal != nil { refusalDetail = arrival.refusalDetail }
        progress = ExchangeProgress(
            at: worker.loop.now, from: arrival.forwarding.client, route: arrival.routePosition)
        addRequestID(of: arrival.forwarding, head, in: bytes)
        worker.retryBudget.requestArrived()
        requestRelay.begin(
            framing: arrival.framing, target: arrival.framing.isChunked ? .chunked : .plain,
            passesTrailers: arrival.forwarding.passesTrailers)
        let action = exchange.requestHeadArrived(arrival.facts, refusal: arrival.refusal)
        if case .connect = action {
            buffers.output.removeAll()
            arrival.forwarding.write(
                head, options: arrival.options, in: bytes, into: &buffers.output)
        }
        return action
    }

    private var isLastRequest: Bool {
        let most = configuration.limits.requestsPerConnection
        return worker.isDraining || (most > 0 && Int(requestCount) >= most)
            || (worker.crowd != nil && worker.takesPlace(from: listener))
    }

    /// Puts what has come of the body behind the prepared head.
    private func prepareBody(from headEnd: Int) throws(ParseError) {
        preparedHeadByteCount = UInt32(clamping: buffers.output.count)
        var end = headEnd
        if requestRelay.isPlain {
            end += requestRelay.takePlain(buffers.inputCount - headEnd)
            buffers.appendInput(headEnd..<end)
        } else {
            try reframeRequest(from: &end)
        }
        guard !buffers.output.hasOverflowed else { throw .headTooLarge }
        buffers.keep(from: end, with: downstream)
        noteRequestProgress()
    }

    private func reframeRequest(from offset: inout Int) throws(ParseError) {
        try buffers.withInput { bytes throws(ParseError) in
            try requestRelay.reframe(bytes, from: &offset, into: &buffers.output)
        }
    }

    /// Sends the prepared request on the connection that is there now, and remembers it as long as
    /// it may have to be sent again.
    func forwardRequest() {
        guard let connection = upstream?.connection else { return }
        progress.times.forwarding = worker.loop.now
        if let prepared = unconfirmedRequest {
            _ = prepared.withBytes { bytes in connection.send(bytes) }
            if !mayReplay { forgetPreparedRequest() }
        } else {
            buffers.sendOutput(on: connection)
            if mayReplay { keepPreparedRequest() }
        }
    }

    /// Moves what has come of a request body. The backend's pace is the client's: nothing is read
    /// while the backend has not taken what was read before.
    func relayRequestBody() -> Bool {
        guard case .body = exchange.requestSide, let connection = upstream?.connection,
            !connection.hasUnsentBytes, !connection.hasFailed
        else { return false }
        let isFlowing = requestRelay.contentCount >= LoopBuffers.flowingBytesMin
        switch buffers.take(from: downstream, seen: 0, isFlowing: isFlowing) {
        case .nothing: return false
        case .endOfStream, .failed:
            clientEnded()
            return false
        case .bytes:
            do throws(ParseError) {
                let end = try sendRequestBody(on: connection)
                buffers.keep(from: end, with: downstream)
                noteRequestProgress()
            } catch {
                progress.note(.refused)
                perform(exchange.requestWasMalformed(error))
            }
            return true
        }
    }

    private func sendRequestBody(on connection: Connection) throws(ParseError) -> Int {
        if requestRelay.isPlain {
            let end = requestRelay.takePlain(buffers.inputCount)
            buffers.sendInput(0..<end, on: connection)
            return end
        }
        var end = 0
        buffers.output.removeAll()
        try reframeRequest(from: &end)
        buffers.sendOutput(on: connection)
        return end
    }

    private func noteRequestProgress() {
        let most = former?.requestBodyMax ?? configuration.limits.requestBody
        if most > 0 && requestRelay.contentCount > most {
            progress.note(.refused)
            perform(exchange.requestBodyOverflowed())
        } else if requestRelay.isComplete {
            perform(exchange.requestEnded())
        }
    }

    /// Reads and throws away what a refused client still sends, until it has read the answer and
    /// closes, or its time is up (RFC 9112 §9.6).
    func discardInput() -> Bool {
        switch buffers.take(from: downstream, seen: 0) {
        case .bytes:
            buffers.keep(from: buffers.inputCount, with: downstream)
            return true
        case .nothing where !downstream.peerHasClosed: return false
        case .nothing, .endOfStream, .failed:
            if !downstream.hasUnsentBytes { close() }
            return false
        }
    }
}
