import HTTPParser
import ProxyCore
import StickyPolicy
import Transport

/// Reading a response and sending it to the client.
extension ClientConnection {
    func readResponseHead() -> Bool {
        guard case .awaitingHead = exchange.responseSide, !downstream.hasUnsentBytes,
            let connection = upstream?.connection
        else { return false }
        switch buffers.take(from: connection, seen: scannedResponseCount) {
        // A send has failed, and nothing has come that would explain it.
        case .nothing where connection.hasFailed: perform(exchange.upstreamFailed())
        case .nothing: return false
        case .endOfStream:
            if !answerFailed(.broken) { perform(exchange.upstreamEnded(endsBody: false)) }
        case .failed:
            if !answerFailed(.broken) { perform(exchange.upstreamFailed()) }
        case .bytes: parseResponse(from: connection)
        }
        return true
    }

    private func parseResponse(from connection: Connection) {
        do throws(ParseError) {
            let progress = try buffers.withInput { bytes throws(ParseError) in
                try configuration.responseParser.parse(
                    bytes, scannedCount: &scannedResponseCount, into: &buffers.responseHead)
            }
            switch progress {
            case .needMore: buffers.keep(from: 0, with: connection)
            case .complete(let byteCount):
                scannedResponseCount = 0
                try receiveResponse(headByteCount: byteCount, from: connection)
            }
        } catch {
            if answerFailed(.malformed) { return }
            perform(exchange.responseWasMalformed(nothingWasSent: true))
        }
    }

    private func receiveResponse(
        headByteCount: Int, from connection: Connection
    ) throws(ParseError) {
        // The one copy of it: it is read from here on, and handed on as it is.
        let head = buffers.responseHead
        let method = exchange.request.method
        let (framing, options) = try buffers.withInput { bytes throws(ParseError) in
            (
                try MessageFraming.ofResponse(head, to: method, in: bytes),
                try ConnectionOptions(head.fields, in: bytes)
            )
        }
        if head.status == 101 { try checkUpgrade(options) }
        let mayBeKept = ConnectionReuse.mayKeep(head, framing: framing, options: options)
        if isTriedAgain(status: head.status) { return }
        noteResponse()
        forgetPreparedRequest()
        let action = exchange.responseHeadArrived(
            status: head.status, mayBeKept: mayBeKept)
        switch action {
        case .skipInterim: buffers.keep(from: headByteCount, with: connection)
        case .forwardInterim:
            var forwarding = ResponseForwarding()
            forwarding.keepsContentLength = false
            write(head, options, forwarding)
            buffers.sendOutput(on: downstream)
            buffers.keep(from: headByteCount, with: connection)
        case .openTunnel:
            var forwarding = ResponseForwarding()
            forwarding.persistence = .upgrade
            write(head, options, forwarding)
            openTunnel(headByteCount: headByteCount)
        case .forwardResponse:
            forwardResponse(head, framing, options)
            sendResponseBody(from: headByteCount, isBehindHead: true)
        case .wait, .connect, .forwardRequest, .respond, .finish, .abort: perform(action)
        }
    }

    /// RFC 9110 §15.2.2: a 101 that does not say what was offered is no answer to this request.
    private func checkUpgrade(_ options: ConnectionOptions) throws(ParseError) {
        guard exchange.request.offersUpgrade else { throw .invalidUpgrade }
        let isMet = buffers.withInput { bytes in
            tunnel?.expected.isMet(by: buffers.responseHead, options: options, in: bytes) ?? false
        }
        guard isMet else { throw .invalidUpgrade }
    }

    /// Whether the route does not want this answer, and another attempt has begun.
    private func isTriedAgain(status: UInt16) -> Bool {
        guard status >= 400 else { return false }
        let condition = RetryRule.Conditions(status: status)
        guard !condition.isEmpty else { return false }
        return answerFailed(.status(condition))
    }

    /// Tells the balancer how long it took, and the route what cookies there are.
    private func noteResponse() {
        guard !buffers.responseHead.isInterim else { return }
        progress.answered(buffers.responseHead.status, at: worker.loop.now)
        guard let choice else { return }
        choice.answered(at: worker.loop.now)
        guard choice.affinity.learns else { return }
        buffers.withInput { bytes in
            configuration.learn(from: buffers.responseHead, in: bytes, of: choice)
        }
    }

    private func forwardResponse(
        _ head: ResponseHead, _ framing: BodyFraming, _ options: ConnectionOptions
    ) {
        noteKeepAliveTimeout()
        let needsFraming = framing.isChunked || framing.isUntilClose
        let isChunked = needsFraming && exchange.request.version == .http11
        // HTTP/1.0 has no chunks: such a client learns the end from the close.
        clientSeesEnd = !needsFraming || isChunked
        let passesTrailers =
            framing.isChunked && isChunked && exchange.request.acceptsTrailers
            && !options.hasOtherTokens
        responseRelay.begin(
            framing: framing, target: isChunked ? .chunked : .plain, passesTrailers: passesTrailers)
        var forwarding = ResponseForwarding()
        forwarding.isChunked = isChunked
        forwarding.passesTrailers = passesTrailers
        // RFC 9110 §8.6: no length in an answer that can have no body at all.
        forwarding.keepsContentLength = !needsFraming && head.status != 204
        // What the client is told about its connection.
        forwarding.persistence = Persistence(
            isKept: exchange.request.wantsKeepAlive && clientSeesEnd,
            version: exchange.request.version)
        write(head, options, forwarding)
    }

    /// Writes the head to the loop's output, with the affinity cookie before the application's own.
    private func write(
        _ head: ResponseHead, _ options: ConnectionOptions, _ forwarding: ResponseForwarding
    ) {
        var forwarding = forwarding
        let sendsHSTS = security?.sendsHSTS ?? false
        forwarding.replacesHSTS = sendsHSTS
        buffers.output.removeAll()
        buffers.withInput { bytes in
            forwarding.writeStatusLine(head, in: bytes, into: &buffers.output)
            if !head.isInterim {
                if sendsHSTS { buffers.output.append(ResponseForwarding.hstsLine) }
                choice?.writeCookie(at: worker.loop.unixSeconds, into: &buffers.output)
            }
            forwarding.writeFields(
                head, options: options, in: bytes, date: worker.dateLine, into: &buffers.output)
        }
    }

    /// Sends the output and what belongs to the body from `offset` on, in one call.
    private func sendResponseBody(from offset: Int, isBehindHead: Bool = false) {
        var end = offset
        if responseRelay.isPlain {
            end += responseRelay.takePlain(buffers.inputCount - offset)
            if end - offset <= ClientConnection.copiedBodyBytesMax {
                buffers.appendInput(offset..<end)
                buffers.sendOutput(on: downstream)
            } else {
                buffers.sendOutput(andInput: offset..<end, on: downstream)
            }
        } else {
            do throws(ParseError) {
                try buffers.withInput { bytes throws(ParseError) in
                    try responseRelay.reframe(bytes, from: &end, into: &buffers.output)
                }
            } catch {
                progress.note(.backendFailed)
                return perform(exchange.responseWasMalformed(nothingWasSent: isBehindHead))
            }
            buffers.sendOutput(on: downstream)
        }
        finishResponse(isWhole: responseRelay.isComplete, consumed: end)
    }

    /// Below 8 KiB a copy behind the head costs less than a second part of the send.
    private static let copiedBodyBytesMax = 8 * 1024

    /// Moves what has come of the response body, at the pace of the client.
    func relayResponseBody() -> Bool {
        guard case .body = exchange.responseSide, !downstream.hasUnsentBytes,
            let connection = upstream?.connection
        else { return false }
        let isFlowing = responseRelay.contentCount >= LoopBuffers.flowingBytesMin
        switch buffers.take(from: connection, seen: 0, isFlowing: isFlowing) {
        case .nothing: return false
        case .failed:
            noteTruncation()
            perform(exchange.upstreamFailed())
        case .endOfStream: responseEndedByClose()
        case .bytes:
            buffers.output.removeAll()
            if responseRelay.isPlain {
                let end = responseRelay.takePlain(buffers.inputCount)
                buffers.sendInput(0..<end, on: downstream)
                finishResponse(isWhole: responseRelay.isComplete, consumed: end)
            } else {
                sendResponseBody(from: 0)
            }
        }
        return true
    }

    private func noteTruncation() {
        noteFailure(.truncated)
        progress.note(.backendFailed)
    }

    private func responseEndedByClose() {
        let endsBody = responseRelay.endsWithConnection
        if !endsBody { noteTruncation() }
        perform(exchange.upstreamEnded(endsBody: endsBody))
        guard endsBody else { return }
        buffers.output.removeAll()
        responseRelay.finish(into: &buffers.output)
        if buffers.output.count > 0 { buffers.sendOutput(on: downstream) }
        finishResponse(isWhole: true, consumed: buffers.inputCount)
    }

    private func finishResponse(isWhole: Bool, consumed: Int) {
        let hasExcess = consumed < buffers.inputCount
        if let connection = upstream?.connection {
            // What was kept of a partial head has been used, too.
            buffers.keep(from: buffers.inputCount, with: connection)
        }
        guard isWhole else { return }
        noteSuccess()
        perform(exchange.responseEnded(clientSeesEnd: clientSeesEnd, hasExcessBytes: hasExcess))
    }

    /// A backend says how long it keeps an idle connection: `Keep-Alive: timeout=5`.
    private func noteKeepAliveTimeout() {
        guard let field = buffers.responseHead.fields.first(.keepAlive) else { return }
        upstream?.keepAliveSeconds = buffers.withInput { bytes in
            KeepAliveField.timeout(bytes.extracting(field.value.offsets))
        }
    }
}
