import Glibc
import Synchronization

@testable import L7Proxy

/// What a proxy under test tells of its exchanges.
final class Records: Sendable {
    private let records = Mutex<[ExchangeRecord]>([])

    func add(_ record: ExchangeRecord) {
        records.withLock { $0.append(record) }
    }

    var all: [ExchangeRecord] { records.withLock { $0 } }

    /// The records, once this holds: a client may see its answer before the exchange is over.
    func wait(
        until isEnough: ([ExchangeRecord]) -> Bool
    ) throws(WireError) -> [ExchangeRecord] {
        let end = ContinuousClock.now + Wire.patience
        while ContinuousClock.now < end {
            let all = all
            if isEnough(all) { return all }
            sched_yield()
        }
        throw .late(waitingFor: "records", received: "\(all)")
    }

    func wait(for count: Int) throws(WireError) -> [ExchangeRecord] {
        try wait { $0.count >= count }
    }

    /// The one record that there is.
    func only() throws -> ExchangeRecord {
        let all = try wait(for: 1)
        try demand(all.count == 1, "one record, not \(all)")
        return all[0]
    }
}
