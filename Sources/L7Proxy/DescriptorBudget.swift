import ProxyCore

/// What the descriptors of the process are for. A client needs one and, while it is served, another
/// for its backend; kept connections to backends need some besides.
struct DescriptorBudget: Equatable {
    /// Client connections at once; 0 for no bound.
    let clients: Int
    /// Kept connections to backends that wait for a request.
    let idle: Int

    /// - Parameters:
    ///   - available: descriptors that clients and backends may have.
    ///   - wanted: `limits.connections`; 0 for no bound.
    init(available: Int, wanted: Int) {
        // An eighth: below it, requests that could go over a kept connection open one.
        let affordable = max(1, (max(0, available) - max(0, available) / 8) / 2)
        clients = wanted > 0 ? min(wanted, affordable) : affordable
        idle = max(0, available - 2 * clients)
    }

    /// There are fewer places than were wanted; where no bound was, than there are by default.
    func isTight(for wanted: Int) -> Bool {
        clients < (wanted > 0 ? wanted : Limits().connections)
    }

    /// What clients and backends may have of the descriptors that may be open.
    ///
    /// - Parameters:
    ///   - limit: as `ulimit -n` says.
    ///   - open: those that are open before the workers start.
    static func available(
        of limit: Int, open: Int, workers: Int, listeners: Int
    ) -> Int {
        // A worker: its loop, its mailbox, its look at the memory; a listener: its socket, its
        // reserve, and a copy for the process that takes over.
        let ofWorkers = workers * (3 + 3 * listeners)
        // Health checks, admin clients, files that a reload reads.
        let ofOthers = 32 + min(limit / 16, 224)
        return limit - open - ofWorkers - ofOthers
    }
}
