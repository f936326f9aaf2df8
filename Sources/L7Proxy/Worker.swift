import HTTPParser
import Logging
import ProxyConfig
import ProxyCore
import StickyPolicy
import Transport

/// One thread: its loop, its listeners, its client connections, its pools. Born on its own thread;
/// nothing of it is seen by another.
final class Worker {
    let loop: EventLoop
    let buffers: LoopBuffers
    var random: SplitMix64
    private(set) var configuration: WorkerConfiguration!
    private(set) var isDraining = false

    private let shared: WorkerShare
    private var listeners: [ListenerAddress: Listener] = [:]
    private var pools: [PoolKey: UpstreamPool] = [:]
    private var clients: [ClientConnection?] = []
    private var freeSlots: [Int] = []
    private var clientCount = 0

    private struct PoolKey: Hashable {
        let backend: Endpoint
        let source: SocketAddress?
    }

    static func make(
        _ snapshot: ConfigSnapshot, share: WorkerShare
    ) throws(ListenError) -> Worker {
        do throws(SystemError) {
            return try Worker(snapshot, share: share)
        } catch {
            throw ListenError(address: snapshot.anyListener, reason: "\(error)")
        }
    }

    private init(_ snapshot: ConfigSnapshot, share: WorkerShare) throws(SystemError) {
        shared = share
        loop = try EventLoop()
        let limits = snapshot.configuration.limits
        buffers = LoopBuffers(headBytesMax: max(limits.requestHead, limits.responseHead))
        random = SplitMix64(seed: UInt64.random(in: .min ... .max))
        cachedDateLine = Worker.makeDateLine(0)
        configuration = WorkerConfiguration(snapshot, worker: self)
        loop.onWake = { [unowned self] in takeOrders() }
    }

    func run() {
        loop.run()
        closeEverything()
    }

    // MARK: - Listening

    /// Listens where the configuration says.
    ///
    /// - Parameter resolved: addresses that another worker has bound already, for ports that the
    ///   kernel chose.
    func listen(resolved: [ListenerAddress: SocketAddress]) throws(ListenError) {
        for address in configuration.snapshot.configuration.listeners
        where listeners[address] == nil {
            try listen(at: address, bound: resolved[address])
        }
    }

    /// Where this worker listens, with the ports that the kernel chose.
    var listening: [ListenerAddress: SocketAddress] { listeners.mapValues(\.address) }

    private func listen(at wanted: ListenerAddress, bound: SocketAddress?) throws(ListenError) {
        // A path can be bound once; the first worker serves it.
        if case .unix = wanted, bound != nil { return }
        guard let address = bound ?? wanted.socketAddress else {
            throw ListenError(address: wanted, reason: "the path is too long")
        }
        do throws(SystemError) {
            let listener = try Listener.bind(to: address, loop: loop)
            let port = listener.address.port ?? 0
            listener.onAccept = { [unowned self] socket, peer in
                accept(socket, from: peer, localPort: port)
            }
            listeners[wanted] = listener
        } catch {
            throw ListenError(address: wanted, reason: "\(error)")
        }
    }

    private func accept(
        _ socket: consuming Socket, from peer: SocketAddress?, localPort: UInt16
    ) {
        guard shared.admit(limit: configuration.limits.connections) else { return }
        do throws(SystemError) {
            let connection = try Connection.adopt(socket, loop: loop)
            let client = ClientConnection(
                connection, peer: IPAddress(peer), localPort: localPort, worker: self)
            enter(client)
            connection.handler = client
            client.advance()
        } catch {
            shared.leave()
        }
    }

    // MARK: - Clients

    private func enter(_ client: ClientConnection) {
        if let slot = freeSlots.popLast() {
            client.slot = slot
            clients[slot] = client
        } else {
            client.slot = clients.count
            clients.append(client)
        }
        clientCount += 1
    }

    /// Lets go of a client whose connection is closed.
    func forget(_ client: ClientConnection) {
        // Its method may still be running: it dies at the end of the turn.
        loop.keepUntilTurnEnd(client)
        clients[client.slot] = nil
        freeSlots.append(client.slot)
        clientCount -= 1
        shared.leave()
        if isDraining && clientCount == 0 { loop.stop() }
    }

    // MARK: - Orders from the server

    private func takeOrders() {
        for order in shared.orders.take() {
            switch order {
            case .adopt(let snapshot): adopt(snapshot)
            case .drain: drain()
            case .stop: loop.stop()
            }
        }
    }

    /// Takes over a new configuration. Exchanges that are under way keep the one they began with.
    private func adopt(_ snapshot: ConfigSnapshot) {
        let before = pools
        pools.removeAll()
        inherited = before
        configuration = WorkerConfiguration(snapshot, worker: self)
        inherited = [:]
        for (key, pool) in before where pools[key] == nil { pool.retire() }
        updateListeners()
    }

    private func updateListeners() {
        let wanted = Set(configuration.snapshot.configuration.listeners)
        for (address, listener) in listeners where !wanted.contains(address) {
            listener.close()
            listeners[address] = nil
        }
        do throws(ListenError) {
            try listen(resolved: [:])
        } catch {
            shared.log.error("\(error)")
        }
    }

    /// Takes no new connections, and ends those that are between two requests.
    private func drain() {
        isDraining = true
        for listener in listeners.values { listener.close() }
        listeners.removeAll()
        for case let client? in clients where client.isIdle { client.close() }
        if clientCount == 0 { loop.stop() }
    }

    private func closeEverything() {
        for listener in listeners.values { listener.close() }
        for case let client? in clients { client.close() }
        for pool in pools.values { pool.closeIdle() }
    }

    // MARK: - What the data path asks for

    /// Pools of the configuration before, while a new one takes over those it still needs.
    private var inherited: [PoolKey: UpstreamPool] = [:]

    /// The pools to one backend, one for each source address, or one for whatever the kernel
    /// chooses.
    func pools(
        to backend: Endpoint, from sources: [SocketAddress], timeouts: Timeouts
    ) -> [UpstreamPool] {
        let sources: [SocketAddress?] = sources.isEmpty ? [nil] : sources
        return sources.map { source in
            let key = PoolKey(backend: backend, source: source)
            let pool = pools[key] ?? inherited[key] ?? makePool(key)
            pool.idleNanoseconds = timeouts.backendIdle.wholeNanoseconds
            pools[key] = pool
            return pool
        }
    }

    private func makePool(_ key: PoolKey) -> UpstreamPool {
        let address = key.backend.address
        return UpstreamPool(
            address: SocketAddress(
                high: address.high, low: address.low, port: key.backend.port),
            source: key.source, loop: loop, buffers: buffers)
    }

    /// The clock for idle times.
    var monotonicSeconds: UInt32 {
        UInt32(truncatingIfNeeded: loop.now.nanoseconds / 1_000_000_000)
    }

    private var dateSecond: Int64 = 0
    private var cachedDateLine: [UInt8]

    /// The Date field line of this second, with its CRLF.
    var dateLine: [UInt8] {
        if loop.unixSeconds != dateSecond {
            dateSecond = loop.unixSeconds
            cachedDateLine = Worker.makeDateLine(dateSecond)
        }
        return cachedDateLine
    }

    private static func makeDateLine(_ unixSeconds: Int64) -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.append("Date: ")
        CivilDate(unixSeconds: unixSeconds).appendIMFDate(to: &writer)
        writer.append("\r\n")
        return writer.copyBytes()
    }
}

/// Why a listener could not be opened.
struct ListenError: Error, CustomStringConvertible {
    let address: ListenerAddress
    let reason: String
    var description: String { "cannot listen on \(address.text): \(reason)" }
}

extension ListenerAddress {
    var socketAddress: SocketAddress? {
        switch self {
        case .tcp(let endpoint):
            SocketAddress(
                high: endpoint.address.high, low: endpoint.address.low, port: endpoint.port)
        case .unix(let path): SocketAddress.unix(path)
        }
    }

}

extension IPAddress {
    /// A peer without an address is on this machine.
    init(_ peer: SocketAddress?) {
        if let high = peer?.high, let low = peer?.low {
            self.init(high: high, low: low)
        } else {
            self.init(v4: 0x7F00_0001)
        }
    }
}
