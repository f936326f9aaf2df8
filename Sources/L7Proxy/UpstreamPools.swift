import Logging
import ProxyConfig
import ProxyCore
import StickyPolicy
import Transport

/// All pools of one loop, by backend and source address. They outlive the configurations that name
/// them, so that a reload costs no warm connection.
struct UpstreamPools {
    private struct Key: Hashable {
        let backend: Endpoint
        let source: SocketAddress?
        /// Of what the backend was asked for and held to, with the authorities as they were: a
        /// connection that was verified under others is not used again.
        let tls: [UInt8]?
    }

    private var pools: [Key: UpstreamPool] = [:]
    private let loop: EventLoop
    private let buffers: LoopBuffers
    private let log: Logger
    private let published: PublishedCounters
    private let admission: Admission
    private let allowance = IdleAllowance()

    init(loop: EventLoop, buffers: LoopBuffers, share: WorkerShare) {
        admission = share.admission
        self.loop = loop
        self.buffers = buffers
        log = share.log
        published = share.counters.published
    }

    /// The pools that a configuration needs, by service, backend and source address. Those that it
    /// needs no more are retired.
    mutating func pools(for snapshot: ConfigSnapshot) -> [[[UpstreamPool]]] {
        let before = pools
        pools = [:]
        let configuration = snapshot.configuration
        let idle = configuration.timeouts.backendIdle.wholeNanoseconds
        // One source that is nil: whatever address the kernel chooses.
        let sources: [SocketAddress?] =
            configuration.sourceAddresses.isEmpty
            ? [nil]
            : configuration.sourceAddresses.map { address in
                SocketAddress(high: address.high, low: address.low, port: 0)
            }
        let needed = configuration.services.enumerated().map { position, service in
            service.backends.map { backend in
                let tls = snapshot.backendTLS(backend, ofService: position)
                return sources.map { source in
                    let key = Key(
                        backend: backend.endpoint, source: source, tls: tls?.identity)
                    let pool = pools[key] ?? before[key] ?? makePool(key)
                    pool.idleNanoseconds = idle
                    pool.tls = tls
                    pools[key] = pool
                    return pool
                }
            }
        }
        for (key, pool) in before where pools[key] == nil { pool.retire() }
        published.replacePools(by: pools.values.map(\.counters))
        allowance.closeOne = { [pools] in
            pools.values.max { $0.idleCount < $1.idleCount }?.closeOldest()
        }
        allowance.most = admission.idleMaxOfWorker
        return needed
    }

    func closeIdle() {
        for pool in pools.values { pool.closeIdle() }
        // Each knows the other.
        allowance.closeOne = nil
    }

    private func makePool(_ key: Key) -> UpstreamPool {
        let address = key.backend.address
        return UpstreamPool(
            address: SocketAddress(
                high: address.high, low: address.low, port: key.backend.port),
            source: key.source, allowance: allowance, loop: loop, buffers: buffers, log: log)
    }
}
