import HTTPParser
import ProxyCore
import StickyPolicy
import Transport

/// Finding a backend that answers: connecting, and trying again where that is allowed.
extension ClientConnection {
    func connect() {
        guard let pool = choice?.pool else {
            preconditionFailure("nothing was chosen to connect to")
        }
        // What just failed on a connection is tried again on a new one, not on the next old one.
        let mustBeNew = upstream != nil
        // Each attempt has the whole time.
        currentWait = nil
        closeUpstream(reusing: false)
        guard takePlace() else { return backendWasFull() }
        let mayReplay = mayReplay
        let mustProbe = !mayReplay || !exchange.request.replacesStale
        if !mustBeNew, let kept = pool.lease(to: self, mustProbe: mustProbe) {
            upstream = kept
            perform(exchange.upstreamConnected(isReused: true, mayReplay: mayReplay))
            return
        }
        keepPreparedRequest()
        do throws(SystemError) {
            upstream = try pool.open(for: self)
        } catch {
            // Out of descriptors, memory or ports: that says nothing about the backend, and no
            // session moves for it.
            if error.isExhaustion { return perform(exchange.connectingWasImpossible()) }
            connectFailed(.refused)
        }
    }

    /// All of the request is in what was prepared, and repeating it does no harm.
    var mayReplay: Bool {
        requestRelay.isComplete
            && (exchange.request.method.isIdempotent
                || choice?.retry.includesNonIdempotent == true)
    }

    func forgetPreparedRequest() {
        guard let request = unconfirmedRequest else { return }
        unconfirmedRequest = nil
        worker.loop.buffers.giveBack(request)
    }

    /// The loop's output belongs to the next event: what must outlive this one is copied.
    func keepPreparedRequest() {
        if unconfirmedRequest == nil {
            unconfirmedRequest = buffers.copyOutput(from: worker.loop.buffers)
        }
    }

    func finishConnecting() -> Bool {
        guard let connection = upstream?.connection, !connection.isConnecting else { return false }
        if connection.error != nil || !connection.isOpen {
            if let reason = connection.tls?.failure {
                choice?.pool.handshakeFailed(because: reason)
            }
            connectFailed(AttemptFailure(connecting: connection))
        } else {
            perform(exchange.upstreamConnected(isReused: false, mayReplay: mayReplay))
        }
        return true
    }

    /// Nothing was sent, so the session's successor is tried at once.
    func connectFailed(_ failure: AttemptFailure) {
        keepPreparedRequest()
        releaseUpstream(reusing: false)
        noteFailure(failure)
        let hasSuccessor =
            exchange.mayConnectAgain && routeAllows(failure) && chooseSuccessor()
        perform(
            exchange.connectFailed(
                hasSuccessor: hasSuccessor, timedOut: failure == .connectTimedOut))
    }

    /// The request was sent, and no answer came that the client is to see.
    ///
    /// - Returns: whether another attempt has begun; if not, the exchange has to hear of it.
    func answerFailed(_ failure: AttemptFailure) -> Bool {
        // The exchange replaces a kept connection that turns out to be closed.
        if failure == .broken && exchange.isStale { return false }
        noteFailure(failure)
        guard exchange.mayBeSentAgain, routeAllows(failure), let failed = choice,
            worker.retryBudget.take(at: worker.loop.now.milliseconds)
        else { return false }
        if !failed.affinity.staysAfterFailure(failed.selection) {
            guard chooseSuccessor() else { return false }
            releaseUpstream(reusing: false)
        }
        perform(exchange.requestSentAgain())
        return true
    }

    /// Counts what speaks against the backend.
    func noteFailure(_ failure: AttemptFailure) {
        guard let choice, let reason = failure.reasonAgainstBackend else { return }
        configuration.requestFailed(choice, at: worker.loop.now, because: reason)
    }

    /// The backend has answered whole.
    func noteSuccess() {
        guard let choice else { return }
        configuration.requestSucceeded(choice)
    }

    private func routeAllows(_ failure: AttemptFailure) -> Bool {
        guard let rule = choice?.retry, rule.allows(failure.condition) else { return false }
        guard rule.timeoutSeconds > 0 else { return true }
        return worker.loop.now < progress.times.arrival + .seconds(Int(rule.timeoutSeconds))
    }

    private func chooseSuccessor() -> Bool {
        configuration.noteHealth(at: worker.loop.now)
        guard let choice, configuration.turnToSuccessor(choice) else { return false }
        announceMove()
        return true
    }

    /// Tells the application of the new backend that this session lived elsewhere before, if the
    /// prepared head does not say so already.
    private func announceMove() {
        guard let choice, choice.announcesMove, let request = unconfirmedRequest else { return }
        choice.announcesMove = false
        let fieldsEnd = Int(preparedHeadByteCount) - 2
        buffers.output.removeAll()
        request.withBytes { bytes in
            buffers.output.append(bytes.extracting(..<fieldsEnd))
            buffers.output.append(RequestForwarding.sessionMovedLine)
            preparedHeadByteCount = UInt32(clamping: buffers.output.count + 2)
            buffers.output.append(bytes.extracting(fieldsEnd...))
        }
        forgetPreparedRequest()
        keepPreparedRequest()
    }
}
