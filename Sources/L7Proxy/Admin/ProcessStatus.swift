import ProxyConfig
import StickyPolicy
import Synchronization
import Transport

/// What the process is doing, for whoever asks from another thread.
final class ProcessStatus: Sendable {
    enum Phase: UInt8, Sendable {
        /// Not every worker listens yet.
        case starting
        case ready
        /// It was told to end, and should be sent nobody any more.
        case draining
        /// Another process serves, and this one only finishes.
        case replaced
    }

    private let storedPhase = Atomic<UInt8>(Phase.starting.rawValue)
    private let snapshot = Mutex<ConfigSnapshot?>(nil)
    private let resolver = Mutex<NameResolver?>(nil)
    private let counters = Mutex<[WorkerCounters]>([])
    private let reloadCount = Atomic<UInt64>(0)
    private let failedReloadCount = Atomic<UInt64>(0)
    private let loadedAt = Atomic<Int64>(0)
    /// Seconds since 1970.
    let startedAt = WallClock.unixSeconds()
    let admission: Admission
    let sessions: SessionTable
    let health: HealthBoard
    let logs: Logs

    struct Logs: Sendable {
        let access: AccessLog
        let errors: LogOutlet
    }

    init(admission: Admission, sessions: SessionTable, health: HealthBoard, logs: Logs) {
        self.admission = admission
        self.sessions = sessions
        self.health = health
        self.logs = logs
    }

    var phase: Phase { Phase(rawValue: storedPhase.load(ordering: .acquiring)) ?? .starting }

    func enter(_ phase: Phase) {
        storedPhase.store(phase.rawValue, ordering: .releasing)
    }

    /// The configuration that new requests get; nil before the first.
    var current: ConfigSnapshot? { snapshot.withLock { $0 } }

    /// The counters of all workers.
    var workers: [WorkerCounters] { counters.withLock { $0 } }

    func watch(_ workers: [WorkerCounters]) {
        counters.withLock { $0 = workers }
    }

    /// Look-ups of host names; nil before the start.
    var names: NameResolver? { resolver.withLock { $0 } }

    func watch(_ names: NameResolver) {
        resolver.withLock { $0 = names }
    }

    /// A configuration was taken into use.
    func adopt(_ new: ConfigSnapshot) {
        snapshot.withLock { $0 = new }
        loadedAt.store(WallClock.unixSeconds(), ordering: .relaxed)
    }

    func reloadSucceeded() {
        reloadCount.wrappingAdd(1, ordering: .relaxed)
    }

    func reloadFailed() {
        failedReloadCount.wrappingAdd(1, ordering: .relaxed)
    }

    /// Reloads since the start, and when the running configuration was taken into use.
    var reloads: (succeeded: UInt64, failed: UInt64, lastAt: Int64) {
        (
            reloadCount.load(ordering: .relaxed), failedReloadCount.load(ordering: .relaxed),
            loadedAt.load(ordering: .relaxed)
        )
    }
}
