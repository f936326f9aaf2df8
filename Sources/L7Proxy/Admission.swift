import Logging
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
    private let log: Logger
    private let count = Atomic<Int>(0)
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

    /// Whether one more client may be accepted. Two workers that ask at the same moment may get the
    /// same place: the limit is exceeded by less than their number.
    func hasRoom(_ limits: Limits, _ memory: ProcessMemory, at now: MonotonicTime) -> Bool {
        if limits.connections > 0, connectionCount >= limits.connections {
            say("limits.connections (\(limits.connections)) is reached: new clients wait", now)
            return false
        }
        guard limits.memory > 0 else { return true }
        measure(memory, limit: limits.memory, at: now)
        guard isOverMemory.load(ordering: .relaxed) else { return true }
        say("limits.memory (\(limits.memory) bytes) is reached: new clients wait", now)
        return false
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
    func enter() {
        count.wrappingAdd(1, ordering: .relaxed)
    }

    func leave() {
        count.wrappingSubtract(1, ordering: .relaxed)
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
}
