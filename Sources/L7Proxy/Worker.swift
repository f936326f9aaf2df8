import HTTPParser
import Logging
import ProxyConfig
import ProxyCore
import StickyPolicy
import Transport

/// One thread: its loop, its listeners, its client connections, its pools. Born on its own thread;
/// nothing of it is seen by another.
final class Worker: ClientConnectionOwner {
    let loop: EventLoop
    private let shared: WorkerShare
    private var context: WorkerContext!
    private var pools: UpstreamPools
    /// Several at one address where a process with more workers has handed them over.
    private var listeners: [ListenerAddress: [Listener]] = [:]
    private var bindsPaths = true
    private let clients = ClientTable()
    /// Connections that have not said yet whom they speak for.
    private var arrivals: [ObjectIdentifier: ProxyArrival] = [:]
    private let memory = ProcessMemory()
    private let handshakes: HandshakeTable
    private let tallies: RouteTallies

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
        handshakes = HandshakeTable(loop: loop)
        let buffers = LoopBuffers(headBytesMax: snapshot.headBytesMax)
        var random = SplitMix64(seed: .random(in: .min ... .max))
        pools = UpstreamPools(loop: loop, buffers: buffers, share: share)
        tallies = RouteTallies(publishingTo: share.counters.published)
        let configuration = WorkerConfiguration(
            snapshot, pools: pools.pools(for: snapshot),
            counters: tallies.table(for: snapshot.counterNames), seed: random.next())
        let observer = ExchangeObserver(
            tallies, accessLog: AccessLogLane(share.logFeed), onEnd: share.onExchangeEnd)
        observer.accessLog.adopt(snapshot.configuration.accessLog)
        context = WorkerContext(
            loop: loop, buffers: buffers, random: random, configuration: configuration,
            observer: observer, owner: self)
        loop.onWake = { [unowned self] in takeOrders() }
        handshakes.onEnd = { [unowned self] in handshakeEnded($0, $1) }
    }

    func run() {
        loop.run()
        closeEverything()
        // What was closed is let go at the end of a turn, and is a circle until then. Orders that
        // come too late are none.
        loop.onWake = nil
        loop.turn(waitingAtMost: .zero)
    }

    // MARK: - Listening

    /// Listens where the configuration says.
    func listen(_ share: ListeningShare) throws(ListenError) {
        bindsPaths = share.bindsPaths
        for address in context.configuration.snapshot.configuration.listeners {
            try listen(at: address, share)
        }
    }

    private func listen(at address: ListenerAddress, _ share: ListeningShare) throws(ListenError) {
        guard listeners[address] == nil else { return }
        let found = try share.openListeners(at: address, loop: loop)
        for listener in found { serve(listener, at: address) }
        if !found.isEmpty { listeners[address] = found }
    }

    /// Where this worker listens, with the ports that the kernel chose.
    var listening: [ListenerAddress: SocketAddress] {
        listeners.compactMapValues(\.first?.address)
    }

    private func serve(_ listener: Listener, at wanted: ListenerAddress) {
        let port = listener.address.port ?? 0
        let load = shared.admission.listener(at: wanted)
        listener.mayAccept = { [unowned self, unowned listener] in mayAccept(from: listener, load) }
        listener.onExhaustion = { [unowned self] hasRefused in
            shared.admission.sayExhausted(loop.now)
            shared.counters.note(.pausedForDescriptors)
            if hasRefused { shared.counters.note(.refusedForDescriptors) }
        }
        listener.onAccept = { [unowned self] socket, peer in
            let client = ClientOrigin(peer: IPAddress(peer), localPort: port, listener: load)
            accept(socket, from: client, at: wanted)
        }
    }

    /// Where there is no place, those who have one and do not use it make room for those who wait.
    private func mayAccept(from listener: Listener, _ load: ListenerLoad) -> Bool {
        let admission = shared.admission
        let limits = context.configuration.limits
        let shortage = admission.shortage(at: load, limits, memory, now: loop.now)
        guard let shortage else { return true }
        let waitingCount = listener.waitingCount
        guard waitingCount > 0 else { return false }
        admission.say(shortage, at: load, limits, now: loop.now)
        shared.counters.note(shortage.event)
        // What a silent client holds of the memory is next to nothing.
        if shortage != .memory {
            admission.makeRoom(for: waitingCount, at: shortage == .listener ? load : nil)
        }
        return false
    }

    /// Closes clients that are silent; if they are too few, others end with their next answer.
    private func makeRoom(_ wanted: PlacesWanted) {
        var rest = wanted
        rest.count -= clients.closeSilent(for: rest, at: loop.now)
        rest.count -= handshakes.closeSilent(for: rest)
        shared.counters.note(.madeRoom, UInt64(wanted.count - rest.count))
        context.crowd = rest.count > 0 ? Crowd(rest, at: loop.now) : nil
    }

    private func accept(
        _ socket: consuming Socket, from client: ClientOrigin, at address: ListenerAddress
    ) {
        let snapshot = context.configuration.snapshot
        let hasHeader = snapshot.configuration.proxyProtocolListeners.contains(address)
        // A header that anybody may send would be worse than none.
        if hasHeader && !snapshot.resolver.isTrusted(client.peer) { return }
        shared.admission.enter(client.listener)
        shared.counters.note(.accepted)
        do throws(SystemError) {
            let connection = try Connection.adopt(socket, loop: loop)
            if hasHeader {
                awaitHeader(on: connection, from: client, at: address)
            } else {
                begin(connection, from: client, at: address)
            }
        } catch {
            shared.admission.leave(client.listener)
        }
    }

    private func awaitHeader(
        on connection: Connection, from client: ClientOrigin, at address: ListenerAddress
    ) {
        let arrival = ProxyArrival(connection, own: client, buffers: context.buffers) {
            [unowned self] arrival, client in end(arrival, as: client, at: address)
        }
        arrivals[ObjectIdentifier(arrival)] = arrival
        connection.handler = arrival
        connection.deadline = context.configuration.deadline(for: .requestHead, from: loop.now)
    }

    private func end(
        _ arrival: ProxyArrival, as client: ClientOrigin?, at address: ListenerAddress? = nil
    ) {
        arrivals[ObjectIdentifier(arrival)] = nil
        // A method of it is still running.
        loop.keepUntilTurnEnd(arrival)
        if let client, let address {
            begin(arrival.connection, from: client, at: address)
        } else {
            arrival.connection.close()
            shared.admission.leave(arrival.own.listener)
            stopWhenDrained()
        }
    }

    /// Behind the PROXY header, if there is one, TLS begins, if there is any.
    private func begin(
        _ connection: Connection, from client: ClientOrigin, at address: ListenerAddress
    ) {
        if let tls = context.configuration.listenerTLS(at: address) {
            handshakes.begin(
                connection, from: client, on: tls, limit: context.configuration.handshakesMax)
        } else {
            begin(ClientConnection(connection, from: client, worker: context))
        }
    }

    private func begin(_ client: ClientConnection) {
        let counted = countedAddress(of: client.peer)
        let most = context.configuration.limits.connectionsPerClient
        guard shared.admission.enter(counted, limit: most) else {
            return refuse(client)
        }
        client.isCountedForClient = counted != nil
        clients.enter(client)
        client.downstream.handler = client
        client.advance()
    }

    /// Whom a connection is counted for. A trusted peer speaks for many clients.
    private func countedAddress(of peer: IPAddress) -> IPAddress? {
        let configuration = context.configuration
        guard configuration.limits.connectionsPerClient > 0 else { return nil }
        return configuration.resolver.isTrusted(peer) ? nil : peer.network
    }

    /// Says no at once. Nothing waits for the request, so that a client with too many connections
    /// cannot hold this one as well.
    private func refuse(_ client: ClientConnection) {
        shared.counters.note(.refusedForClientLimit)
        let buffers = context.buffers
        buffers.output.removeAll()
        LocalResponse(status: 503).write(date: context.dateLine, into: &buffers.output)
        buffers.sendOutput(on: client.downstream)
        client.downstream.close()
        shared.admission.leave(client.listener)
        stopWhenDrained()
    }

    private func handshakeEnded(
        _ arrival: HandshakeTable.Arrival, _ outcome: HandshakeTable.Outcome
    ) {
        switch outcome {
        case .done: shared.counters.note(.handshakesCompleted)
        case .plainText: shared.counters.note(.handshakesInPlainText)
        case .failed(let reason):
            shared.counters.note(.handshakesFailed)
            // An Internet full of scanners: of no interest unless somebody looks for it.
            shared.log.debug("TLS handshake with \(arrival.client.peer) failed: \(reason)")
            shared.admission.leave(arrival.client.listener)
            return stopWhenDrained()
        }
        let client = ClientConnection(
            arrival.connection, from: arrival.client, worker: context)
        if let session = arrival.connection.tls {
            client.security = ClientSecurity(session, on: arrival.listener)
        } else {
            client.isOnWrongPort = true
        }
        begin(client)
    }

    private func stopWhenDrained() {
        if context.isDraining && clients.count == 0 && handshakes.count == 0 && arrivals.isEmpty {
            loop.stop()
        }
    }

    // MARK: - Clients

    func clientConnectionClosed(at slot: Int) {
        if let client = clients.leave(slot) {
            shared.admission.leave(client.listener)
            shared.admission.leave(client.isCountedForClient ? client.peer.network : nil)
        }
        stopWhenDrained()
    }

    func clientMakesRoom() {
        shared.counters.note(.madeRoom)
    }

    // MARK: - Orders from the server

    private func takeOrders() {
        for order in shared.orders.take() {
            switch order {
            case .adopt(let snapshot, let tally): adopt(snapshot, tally)
            case .lookAtTunnels: _ = closeTunnelsOfDrained()
            case .makeRoom(let wanted): makeRoom(wanted)
            case .drain(let time): drain(within: time)
            case .showListeners(let copies): copies.add(copiesOfListeners())
            case .handOver: handOver()
            case .stop: loop.stop()
            }
        }
    }

    /// Takes over a new configuration. Exchanges that are under way keep the one they began with.
    private func adopt(_ snapshot: ConfigSnapshot, _ tally: ReloadTally) {
        context.buffers.fit(headsUpTo: snapshot.headBytesMax)
        context.configuration = WorkerConfiguration(
            snapshot, pools: pools.pools(for: snapshot),
            counters: tallies.table(for: snapshot.counterNames), seed: context.random.next())
        context.observer.accessLog.adopt(snapshot.configuration.accessLog)
        var tunnelCount = 0
        for client in clients.all {
            client.letGoOfOldConfiguration()
            if client.isTunnel { tunnelCount += 1 }
        }
        let closed = closeTunnelsOfDrained()
        let kept = tunnelCount - closed
        shared.counters.note(.tunnelsKeptByReload, UInt64(kept))
        if let sums = tally.add(kept: kept, closed: closed), sums.kept + sums.closed > 0 {
            shared.log.notice("the reload kept \(sums.kept) tunnels and ends \(sums.closed)")
        }
        updateListeners()
    }

    /// Ends the tunnels that are not to outlive their backend's place in the configuration, one
    /// after the other within the time of a drain, so that their clients do not all come at once.
    ///
    /// - Returns: how many it ends.
    private func closeTunnelsOfDrained() -> Int {
        let concerned = clients.all.filter { $0.tunnel?.endsWithBackend != nil }
        guard !concerned.isEmpty else { return 0 }
        let homes = context.configuration.tunnelHomes
        let leaving = concerned.filter { client in
            client.tunnel?.endsWithBackend.map { !homes.contains($0) } ?? false
        }
        let time = context.configuration.snapshot.configuration.timeouts.drain
        let step = (time * 3 / 4).wholeNanoseconds / UInt64(max(1, leaving.count))
        for (number, client) in leaving.enumerated() {
            client.endTunnel(
                at: loop.now.advanced(byNanoseconds: step * UInt64(number)),
                cuttingAt: loop.now + time)
        }
        shared.counters.note(.tunnelsClosedByDrain, UInt64(leaving.count))
        return leaving.count
    }

    private func updateListeners() {
        let wanted = context.configuration.snapshot.configuration.listeners
        for (address, found) in listeners where !wanted.contains(address) {
            for listener in found {
                // Who is connected already is served once more; a close would reset them.
                listener.acceptRest()
                listener.close()
            }
            listeners[address] = nil
        }
        for address in wanted {
            do throws(ListenError) {
                try listen(at: address, ListeningShare(bindsPaths: bindsPaths))
            } catch {
                shared.log.error("\(error)")
            }
        }
    }

    /// Takes no new connections, and ends those that are between two requests. WebSockets are ended
    /// one after the other, so that their clients do not all come back to others at once; the last
    /// quarter of the time is left for their answers.
    private func drain(within time: Duration) {
        context.isDraining = true
        for listener in listeners.values.joined() {
            listener.acceptRest()
            listener.close()
        }
        listeners.removeAll()
        for arrival in arrivals.values { end(arrival, as: nil) }
        let step = (time * 3 / 4).wholeNanoseconds / UInt64(max(1, clients.count))
        var moment = loop.now
        for client in clients.all {
            let isWebSocket = client.isWebSocket
            client.drain(endingWebSocketAt: moment)
            if isWebSocket { moment = moment.advanced(byNanoseconds: step) }
        }
        // Nobody waits for an answer here yet.
        handshakes.closeAll()
        stopWhenDrained()
    }

    private func copiesOfListeners() -> [InheritedSocket] {
        listeners.values.joined().compactMap { $0.copyForSuccessor() }
    }

    /// Another process has taken the listeners over, and whoever waits at them. Connections end
    /// with their next answer, tunnels when one of their sides ends them.
    private func handOver() {
        context.isDraining = true
        for listener in listeners.values.joined() { listener.close() }
        listeners.removeAll()
        for client in clients.all { client.exchange.drainRequested() }
        stopWhenDrained()
    }

    private func closeEverything() {
        for listener in listeners.values.joined() { listener.close() }
        for arrival in arrivals.values { end(arrival, as: nil) }
        handshakes.closeAll()
        for client in clients.all { client.stop() }
        pools.closeIdle()
        memory.close()
    }
}

extension IPAddress {
    /// What one client has of IPv6 is a network of 64 bits.
    fileprivate var network: IPAddress { masked(v4: 32, v6: 64) }

    /// A peer without an address is on this machine.
    init(_ peer: SocketAddress?) {
        if let high = peer?.high, let low = peer?.low {
            self.init(high: high, low: low)
        } else {
            self.init(v4: 0x7F00_0001)
        }
    }
}
