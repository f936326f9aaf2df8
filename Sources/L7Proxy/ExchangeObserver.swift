/// Who hears of every exchange of one worker when it is over: each one once, however it ended.
///
/// It is called on the worker's thread, in the middle of traffic: nothing here may wait, allocate,
/// or touch what other threads write.
final class ExchangeObserver {
    private let tallies: RouteTallies
    /// For tests.
    private let onEnd: (@Sendable (ExchangeRecord) -> Void)?

    init(_ tallies: RouteTallies, onEnd: (@Sendable (ExchangeRecord) -> Void)?) {
        self.tallies = tallies
        self.onEnd = onEnd
    }

    /// - Parameter configuration: what the positions in the record are of, unless it has names.
    func exchangeEnded(
        _ record: borrowing ExchangeRecord, under configuration: WorkerConfiguration
    ) {
        if let names = record.names {
            tallies.counters(of: names)?.count(record)
        } else {
            configuration.counters.counters(of: record.place).count(record)
        }
        onEnd?(copy record)
    }
}
