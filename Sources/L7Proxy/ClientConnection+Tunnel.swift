import HTTPParser
import ProxyCore
import Transport

/// After a 101: bytes both ways, without meaning, each side at the pace of the other.
extension ClientConnection {
    /// Sends the 101 that is in the loop's output, and the first bytes of the new protocol if the
    /// backend's came glued to it.
    func openTunnel(headByteCount: Int) {
        guard let connection = upstream?.connection else { return }
        let glued = headByteCount..<buffers.inputCount
        buffers.sendOutput(andInput: glued, on: downstream)
        progress.downByteCount += UInt64(glued.count)
        buffers.keep(from: buffers.inputCount, with: connection)
        for side in [downstream, connection] { ClientConnection.watchForDeath(side) }
        choice?.openTunnel()
        excerpt = excerpt.map(RequestExcerpt.init(compacting:))
        if let choice, configuration.snapshot.closesTunnelsOnDrain(ofRoute: progress.route) {
            tunnel?.endsWithBackend = TunnelHome(
                service: configuration.snapshot.health[choice.service].name,
                address: choice.pool.address)
        }
        noteSuccess()
        guard let tunnel, tunnel.expected.isWebSocket else { return }
        var webSocket = WebSocketTunnel()
        buffers.withInput { bytes in
            _ = webSocket.bytesCame(bytes.extracting(glued), .fromBackend)
        }
        tunnel.webSocket = webSocket
    }

    /// A peer that vanished without a word is noticed within about two minutes, whatever
    /// `tunnelIdle` allows.
    private static func watchForDeath(_ connection: Connection) {
        connection.set(.keepAlive(idle: 60, interval: 15, count: 4))
        connection.set(.userTimeout(milliseconds: 120_000))
    }

    func pumpTunnel() -> Bool {
        guard let connection = upstream?.connection else { return false }
        let hasMovedUp = pump(from: downstream, to: connection, .fromClient)
        let hasMovedDown = !isClosed && pump(from: connection, to: downstream, .fromBackend)
        if tunnel?.webSocket?.isOver == true, !connection.hasUnsentBytes, !downstream.hasUnsentBytes
        {
            close()
        }
        // A side that was told the end was told it because the other had ended.
        if connection.hasFinishedSending && downstream.hasFinishedSending
            && !connection.hasUnsentBytes && !downstream.hasUnsentBytes
        {
            close()
        }
        return (hasMovedUp || hasMovedDown) && !isClosed
    }

    /// One read and one write. Nothing is read while the other side has not taken what was read
    /// before, so a tunnel holds at most one read in each direction.
    private func pump(
        from source: Connection, to target: Connection, _ direction: WebSocketTunnel.Direction
    ) -> Bool {
        if target.hasUnsentBytes {
            // A reset, and no end that both sides agreed to: the slow side is told at once.
            if source.isHungUp && !source.hasFinishedSending { tunnelBroke(at: source) }
            return false
        }
        switch buffers.take(from: source, seen: 0) {
        case .nothing: return false
        case .bytes:
            let move = buffers.withInput { bytes in
                tunnel?.webSocket?.bytesCame(bytes, direction)
                    ?? WebSocketTunnel.Move(forwardedCount: bytes.count, closes: false)
            }
            if move.forwardedCount > 0,
                case .failed = buffers.sendInput(0..<move.forwardedCount, on: target)
            {
                tunnelBroke(at: target)
                return false
            }
            count(move.forwardedCount, direction)
            buffers.keep(from: buffers.inputCount, with: source)
            if move.closes { sendClose(on: target) }
        // Half-close is passed on; the other direction lives until it ends too.
        case .endOfStream: target.finishSending()
        case .failed: tunnelBroke(at: source)
        }
        return true
    }

    private func count(_ byteCount: Int, _ direction: WebSocketTunnel.Direction) {
        switch direction {
        case .fromClient: tunnel?.upByteCount += UInt64(byteCount)
        case .fromBackend: progress.downByteCount += UInt64(byteCount)
        }
    }

    private func tunnelBroke(at side: Connection) {
        progress.note(side === downstream ? .clientLeft : .backendFailed)
        close()
    }

    /// Ends a WebSocket by the rules of its protocol, from the middle: each side gets a Close
    /// frame, at once or behind the frame that is on its way to it.
    func endWebSocket() {
        guard let connection = upstream?.connection, let closes = tunnel?.webSocket?.end() else {
            return
        }
        if closes.fromClient { sendClose(on: connection) }
        if closes.fromBackend { sendClose(on: downstream) }
    }

    private func sendClose(on target: Connection) {
        // RFC 6455 §5.3: a client's masking keys cannot be foretold.
        let mask: UInt32? = target === downstream ? nil : UInt32.random(in: 0 ... .max)
        buffers.output.removeAll()
        WebSocketCloseFrame.write(mask: mask, into: &buffers.output)
        buffers.sendOutput(on: target)
    }
}
