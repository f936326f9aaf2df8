/// Who hears of every exchange of one worker when it is over: each one once, however it ended.
///
/// It is called on the worker's thread, in the middle of traffic: nothing here may wait, allocate,
/// or touch what other threads write.
final class ExchangeObserver {
    let accessLog: AccessLogLane
    private let tallies: RouteTallies
    /// For tests.
    private let onEnd: (@Sendable (ExchangeRecord) -> Void)?

    init(
        _ tallies: RouteTallies, accessLog: AccessLogLane,
        onEnd: (@Sendable (ExchangeRecord) -> Void)?
    ) {
        self.tallies = tallies
        self.accessLog = accessLog
        self.onEnd = onEnd
    }

    /// - Parameters:
    ///   - excerpt: what is left of the request's head, where somebody wants it.
    ///   - configuration: what the positions in the record are of, unless it has names.
    ///   - unixMilliseconds: now.
    func exchangeEnded(
        _ record: borrowing ExchangeRecord, _ excerpt: RequestExcerpt?,
        under configuration: WorkerConfiguration, at unixMilliseconds: Int64
    ) {
        if let names = record.names {
            tallies.counters(of: names)?.count(record)
        } else {
            configuration.counters.counters(of: record.place).count(record)
        }
        if accessLog.isOn {
            accessLog.write(
                copy record, excerpt, under: configuration.snapshot, at: unixMilliseconds)
        }
        onEnd?(copy record)
    }
}
