import Glibc
import Logging
import ProxyCore
import StickyPolicy
import Transport

/// The idle connections of one loop to one backend from one source address.
///
/// Last in, first out: the fewest and hottest connections carry the load, and the others reach
/// their idle timeout.
final class UpstreamPool {
    let address: SocketAddress
    let source: SocketAddress?
    private let loop: EventLoop
    private let buffers: LoopBuffers
    /// For how long an idle connection is kept; zero keeps none.
    var idleNanoseconds: UInt64 = 0
    /// Nil: the backend is spoken to in the clear.
    var tls: TLSClientContext?
    private let resumption = TLSResumption()
    private var idle: [UpstreamConnection] = []
    private let allowance: IdleAllowance
    let counters: PoolCounters
    private let log: Logger
    /// When a failed handshake is worth a line again.
    private var quietUntil: MonotonicTime?

    init(
        address: SocketAddress, source: SocketAddress?, allowance: IdleAllowance,
        loop: EventLoop, buffers: LoopBuffers, log: Logger
    ) {
        self.allowance = allowance
        self.address = address
        counters = PoolCounters(address: address.description)
        self.source = source
        self.loop = loop
        self.buffers = buffers
        self.log = log
    }

    /// TLS could not be agreed on: tells the operator why, at most every ten seconds.
    func handshakeFailed(because reason: String) {
        if let quietUntil, loop.now < quietUntil { return }
        quietUntil = loop.now + .seconds(10)
        log.warning("TLS with backend \(address) failed: \(reason)")
    }

    /// Hands out the connection that was returned last.
    ///
    /// A backend that has closed was noticed by its event, if the event came already.
    ///
    /// - Parameter mustProbe: ask the socket itself, for a request that cannot be sent twice.
    func lease(to owner: any ConnectionHandler, mustProbe: Bool) -> UpstreamConnection? {
        defer { counters.noteIdle(idle.count) }
        while let candidate = idle.popLast() {
            allowance.count -= 1
            let connection = candidate.connection
            let isClean = !connection.peerHasClosed && !connection.isReadable
            guard isClean, !mustProbe || connection.probeIsQuiet() else {
                candidate.close()
                continue
            }
            candidate.lease(to: owner)
            counters.note(.reused)
            return candidate
        }
        return nil
    }

    /// Begins a new connection.
    func open(for owner: any ConnectionHandler) throws(SystemError) -> UpstreamConnection {
        let connection = try Connection.connect(to: address, from: source, loop: loop)
        if let tls { try startTLS(tls, on: connection) }
        let opened = UpstreamConnection(connection, pool: self)
        counters.note(.opened)
        connection.handler = owner
        return opened
    }

    private func startTLS(
        _ tls: TLSClientContext, on connection: Connection
    ) throws(SystemError) {
        do throws(TLSError) {
            connection.startTLS(try tls.makeSession(to: address, resuming: resumption))
        } catch {
            connection.close()
            // Making a session fails for want of memory only.
            throw SystemError(call: "tls", code: ENOMEM)
        }
    }

    fileprivate func put(_ returned: UpstreamConnection) {
        let connection = returned.connection
        var keep = idleNanoseconds
        if let seconds = returned.keepAliveSeconds {
            // One second less than the backend says: its close and our request may cross.
            keep = min(keep, UInt64(seconds > 0 ? seconds - 1 : 0) * 1_000_000_000)
        }
        let isClean =
            connection.isOpen && !connection.peerHasClosed && !connection.hasUnsentBytes
            && !connection.hasFailed
        // A read that filled its space leaves it open whether more is there.
        guard isClean, keep > 0, buffers.take(from: connection, seen: 0) == .nothing else {
            returned.close()
            return
        }
        guard allowance.takesOneMore() else {
            returned.close()
            return
        }
        connection.handler = returned
        connection.deadline = loop.now.advanced(byNanoseconds: keep)
        idle.append(returned)
        counters.noteIdle(idle.count)
    }

    fileprivate func remove(_ connection: UpstreamConnection) {
        if let position = idle.lastIndex(where: { $0 === connection }) {
            idle.remove(at: position)
            allowance.count -= 1
            counters.noteIdle(idle.count)
        }
    }

    /// The backend is gone from the configuration: no connection comes back.
    func retire() {
        idleNanoseconds = 0
        closeIdle()
    }

    var idleCount: Int { idle.count }

    /// The one that waits longest, as it is the last to be used again.
    func closeOldest() {
        guard let oldest = idle.first else { return }
        remove(oldest)
        oldest.close()
    }

    func closeIdle() {
        allowance.count -= idle.count
        while let connection = idle.popLast() { connection.close() }
        counters.noteIdle(0)
    }
}

/// One connection to a backend: leased to a client connection, or idle in its pool.
final class UpstreamConnection: ConnectionHandler {
    let connection: Connection
    private let pool: UpstreamPool
    /// It has carried a request and come back.
    private(set) var isReused = false
    /// What the backend's last `Keep-Alive: timeout` said.
    var keepAliveSeconds: UInt32?

    fileprivate init(_ connection: Connection, pool: UpstreamPool) {
        self.connection = connection
        self.pool = pool
    }

    fileprivate func lease(to owner: any ConnectionHandler) {
        connection.handler = owner
        connection.deadline = nil
    }

    /// Returns it to the pool after a whole exchange.
    func giveBack() {
        isReused = true
        pool.put(self)
    }

    func close() {
        connection.close()
    }

    /// Idle, every word of the backend is one too many: it has closed, or it says something that
    /// nobody asked for.
    func connectionReady(_ connection: Connection) {
        guard connection.isReadable || connection.peerHasClosed || connection.isHungUp else {
            return
        }
        discard()
    }

    func connectionDeadlinePassed(_ connection: Connection) {
        discard()
    }

    private func discard() {
        pool.remove(self)
        close()
    }
}
