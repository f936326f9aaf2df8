import ProxyCore
import StickyPolicy
import Transport

/// What a worker needs of one backend to send requests there.
final class BackendTarget {
    /// One for each source address; at least one.
    let pools: [UpstreamPool]
    /// What it has to do, as all workers count it.
    let load: BackendLoad
    let health: HealthCell
    /// What speaks against it.
    let rule: PassiveHealth

    init(
        _ pools: [UpstreamPool], load: BackendLoad, health: HealthCell, _ rule: PassiveHealth
    ) {
        self.pools = pools
        self.load = load
        self.health = health
        self.rule = rule
    }

    /// The same client always comes from the same source address, so that an affinity behind the
    /// backend's address (kube-proxy's ClientIP) can tell our clients apart.
    func pool(for selection: Selection, of client: ClientFacts) -> UpstreamPool {
        guard pools.count > 1 else { return pools[0] }
        let key = selection.clientKey != 0 ? selection.clientKey : client.address.stableHash
        return pools[Int(key % UInt64(pools.count))]
    }

    /// It was chosen at `begun`, and has answered.
    func answered(since begun: MonotonicTime, at now: MonotonicTime) {
        let microseconds = (now.nanoseconds &- begun.nanoseconds) / 1_000
        load.answered(
            afterMicroseconds: UInt32(clamping: microseconds),
            at: UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000))
    }
}
