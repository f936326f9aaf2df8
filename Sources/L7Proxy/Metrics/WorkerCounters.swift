import Synchronization

/// What one worker counts besides exchanges. Written by its thread alone, read by any; no other
/// thread's data lies in a cache line of it.
final class WorkerCounters: Sendable {
    enum Event: Int, CaseIterable, Sendable {
        case accepted
        /// The client had `limits.connectionsPerClient`.
        case refusedForClientLimit
        /// Closed at once, because descriptors had run out.
        case refusedForDescriptors
        /// Looks at a listener that left its clients waiting.
        case pausedForConnections, pausedForListener, pausedForMemory, pausedForDescriptors
        /// Connections that ended between two requests because others waited.
        case madeRoom
        case handshakesCompleted, handshakesFailed
        /// A client that spoke in the clear to a port of TLS.
        case handshakesInPlainText
        /// Tunnels that were open when a reload came.
        case tunnelsKeptByReload
        /// Tunnels that were told to end because their backend drains or is gone.
        case tunnelsClosedByDrain
    }

    private let values = InlineArray<32, Atomic<UInt64>> { _ in Atomic(0) }
    let published = PublishedCounters()

    /// From the worker's own thread only.
    func note(_ event: Event, _ amount: UInt64 = 1) {
        let place = 8 + event.rawValue
        values[place].store(values[place].load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    func count(of event: Event) -> UInt64 {
        values[8 + event.rawValue].load(ordering: .relaxed)
    }
}

/// The counters of one worker that come and go with the configuration, for whoever reads them.
final class PublishedCounters: Sendable {
    private let storedRoutes = Mutex<[RouteCounters]>([])
    private let storedPools = Mutex<[PoolCounters]>([])

    var routes: [RouteCounters] { storedRoutes.withLock { $0 } }
    var pools: [PoolCounters] { storedPools.withLock { $0 } }

    func replaceRoutes(by routes: [RouteCounters]) {
        storedRoutes.withLock { $0 = routes }
    }

    func replacePools(by pools: [PoolCounters]) {
        storedPools.withLock { $0 = pools }
    }
}

extension Shortage {
    /// How it is counted.
    var event: WorkerCounters.Event {
        switch self {
        case .connections: .pausedForConnections
        case .listener: .pausedForListener
        case .memory: .pausedForMemory
        }
    }
}
