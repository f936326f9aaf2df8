import ProxyCore
import Transport

/// After a 101: bytes both ways, without meaning, each side at the pace of the other.
extension ClientConnection {
    /// Sends the 101 that is in the loop's output, and the first bytes of the new protocol if the
    /// backend's came glued to it.
    func openTunnel(headByteCount: Int) {
        guard let connection = upstream?.connection else { return }
        let buffers = worker.buffers
        let glued = headByteCount..<buffers.inputCount
        buffers.sendOutput(andInput: glued, on: downstream)
        buffers.keep(from: buffers.inputCount, with: connection)
        for side in [downstream, connection] { ClientConnection.watchForDeath(side) }
        choice?.holdSession()
    }

    /// A peer that vanished without a word is noticed within about two minutes, whatever
    /// `tunnelIdle` allows.
    private static func watchForDeath(_ connection: Connection) {
        connection.set(.keepAlive(idle: 60, interval: 15, count: 4))
        connection.set(.userTimeout(milliseconds: 120_000))
    }

    func pumpTunnel() -> Bool {
        guard let connection = upstream?.connection else { return false }
        let hasMovedUp = pump(from: downstream, to: connection)
        let hasMovedDown = !isClosed && pump(from: connection, to: downstream)
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
    private func pump(from source: Connection, to target: Connection) -> Bool {
        if target.hasUnsentBytes {
            // A reset, and no end that both sides agreed to: the slow side is told at once.
            if source.isHungUp && !source.hasFinishedSending { close() }
            return false
        }
        let buffers = worker.buffers
        switch buffers.take(from: source, seen: 0) {
        case .nothing: return false
        case .bytes:
            let result = buffers.sendInput(0..<buffers.inputCount, on: target)
            buffers.keep(from: buffers.inputCount, with: source)
            if case .failed = result { close() }
        // Half-close is passed on; the other direction lives until it ends too.
        case .endOfStream: target.finishSending()
        case .failed: close()
        }
        return true
    }
}
