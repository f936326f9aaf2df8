import Logging
import ProxyConfig
import ProxyCore
import StickyPolicy
import Synchronization
import Transport

/// Which clients the process takes: counted for all workers together.
///
/// Where the process is full, clients wait in the kernel's queue and are served when a place is
/// free; an answer of ours would fail a request that could soon have been served. A single client
/// that wants too much is told so.
final class Admission: Sendable {
    private struct Contents {
        var listeners: [ListenerAddress: ListenerLoad] = [:]
        var askers: [@Sendable (PlacesWanted) -> Void] = []
    }

    private let log: Logger
    private let contents = Mutex(Contents())
    private let count = Atomic<Int>(0)
    private let countMax = Atomic<Int>(0)
    private let idleMax = Atomic<Int>(.max)
    private let isOverMemory = Atomic<Bool>(false)
    private let measuredAt = Atomic<UInt64>(0)
    private let saidAt = Atomic<UInt64>(0)
    private let byClient = Mutex<[IPAddress: Int]>([:])

    /// 50 ms between two looks at the memory: a burst allocates little in that time, and a look
    /// costs about 10 us.
    private static let measuringInterval: UInt64 = 50_000_000
    /// 10 s between two lines of the log about being full.
    private static let sayingInterval: UInt64 = 10_000_000_000

    init(log: Logger) {
        self.log = log
    }

    /// Client connections of all workers.
    var connectionCount: Int { count.load(ordering: .relaxed) }

    /// How many there may be: `limits.connections`, or what the descriptors allow; 0 for no bound.
    var connectionsMax: Int { countMax.load(ordering: .relaxed) }

    /// How many idle connections to backends a worker may keep.
    var idleMaxOfWorker: Int { idleMax.load(ordering: .relaxed) }

    /// Takes the limits of a configuration.
    func adopt(_ configuration: Configuration, _ budget: DescriptorBudget, workers: Int) {
        countMax.store(budget.clients, ordering: .relaxed)
        idleMax.store(budget.idle / max(1, workers), ordering: .relaxed)
        contents.withLock { contents in
            contents.listeners = contents.listeners.filter { address, load in
                configuration.listeners.contains(address) || load.connectionCount > 0
            }
        }
        for address in configuration.listeners {
            listener(at: address).setLimit(configuration.listenerConnections[address] ?? 0)
        }
    }

    /// What is counted for a listener, in this configuration and the next.
    func listener(at address: ListenerAddress) -> ListenerLoad {
        contents.withLock { contents in
            if let known = contents.listeners[address] { return known }
            let new = ListenerLoad(name: address.text)
            contents.listeners[address] = new
            return new
        }
    }

    /// In the order of their names.
    var listeners: [ListenerLoad] {
        contents.withLock { $0.listeners.values.sorted { $0.name < $1.name } }
    }

    /// Why one more client of a listener should wait; nil when it may be accepted. Two workers that
    /// ask at the same moment may get the same place: a limit is exceeded by less than their
    /// number.
    func shortage(
        at listener: ListenerLoad, _ limits: Limits, _ memory: ProcessMemory, now: MonotonicTime
    ) -> Shortage? {
        let most = connectionsMax
        if most > 0, connectionCount >= most { return .connections }
        if listener.isFull { return .listener }
        guard limits.memory > 0 else { return nil }
        measure(memory, limit: limits.memory, at: now)
        return isOverMemory.load(ordering: .relaxed) ? .memory : nil
    }

    /// Clients wait for want of something.
    func say(_ shortage: Shortage, at listener: ListenerLoad, _ limits: Limits, now: MonotonicTime)
    {
        let limit =
            switch shortage {
            case .connections: "limits.connections (\(connectionsMax))"
            case .listener: "limits.connections (\(listener.connectionsMax)) of \(listener.name)"
            case .memory: "limits.memory (\(limits.memory) bytes)"
            }
        say("\(limit) is reached: new clients wait", now)
    }

    /// Descriptors have run out in spite of the budget.
    func sayExhausted(_ now: MonotonicTime) {
        say("descriptors have run out (ulimit -n): new clients wait", now)
    }

    private func measure(_ memory: ProcessMemory, limit: UInt64, at now: MonotonicTime) {
        let before = measuredAt.load(ordering: .relaxed)
        guard now.nanoseconds >= before &+ Admission.measuringInterval,
            measuredAt.compareExchange(
                expected: before, desired: now.nanoseconds, ordering: .relaxed
            ).exchanged
        else { return }
        var isOver = memory.residentByteCount().map { $0 > limit } ?? false
        if isOver {
            // What connections have given back may still be with the allocator.
            ProcessMemory.trim()
            isOver = memory.residentByteCount().map { $0 > limit } ?? false
        }
        isOverMemory.store(isOver, ordering: .relaxed)
    }

    private func say(_ text: @autoclosure () -> String, _ now: MonotonicTime) {
        let before = saidAt.load(ordering: .relaxed)
        guard before == 0 || now.nanoseconds >= before &+ Admission.sayingInterval,
            saidAt.compareExchange(
                expected: before, desired: now.nanoseconds, ordering: .relaxed
            ).exchanged
        else { return }
        log.warning("\(text())")
    }

    /// Counts a connection in.
    func enter(_ listener: ListenerLoad) {
        count.wrappingAdd(1, ordering: .relaxed)
        listener.enter()
    }

    func leave(_ listener: ListenerLoad) {
        count.wrappingSubtract(1, ordering: .relaxed)
        listener.leave()
    }

    /// Counts a connection for its client, once it is known who that is.
    ///
    /// - Parameters:
    ///   - client: nil for one that is not counted.
    ///   - limit: connections of one client.
    /// - Returns: false, and nothing is counted, when the client has as many as it may.
    func enter(_ client: IPAddress?, limit: Int) -> Bool {
        guard let client else { return true }
        return byClient.withLock { counts in
            let held = counts[client, default: 0]
            guard held < limit else { return false }
            counts[client] = held + 1
            return true
        }
    }

    /// - Parameter client: as it was counted.
    func leave(_ client: IPAddress?) {
        guard let client else { return }
        byClient.withLock { counts in
            let held = counts[client, default: 1]
            counts[client] = held > 1 ? held - 1 : nil
        }
    }

    // MARK: - Places for those who wait

    /// - Parameter askers: tell each worker that its clients are to make room.
    func register(_ askers: [@Sendable (PlacesWanted) -> Void]) {
        contents.withLock { $0.askers = askers }
    }

    /// Has all workers make room, each for its part of so many clients.
    ///
    /// - Parameter listener: whose clients are meant; nil for any.
    func makeRoom(for waiting: Int, at listener: ListenerLoad?) {
        let askers = contents.withLock { $0.askers }
        guard !askers.isEmpty else { return }
        let part = (waiting + askers.count - 1) / askers.count
        for ask in askers { ask(PlacesWanted(count: part, listener: listener)) }
    }
}
