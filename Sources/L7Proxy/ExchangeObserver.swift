/// Who hears of every exchange of one worker when it is over: each one once, however it ended.
///
/// It is called on the worker's thread, in the middle of traffic: nothing here may wait, allocate,
/// or touch what other threads write.
final class ExchangeObserver {
    /// For tests.
    private let onEnd: (@Sendable (ExchangeRecord) -> Void)?

    init(onEnd: (@Sendable (ExchangeRecord) -> Void)?) {
        self.onEnd = onEnd
    }

    /// - Parameter configuration: what the positions in the record are of, unless it has names.
    func exchangeEnded(_ record: ExchangeRecord, under configuration: WorkerConfiguration) {
        onEnd?(record)
    }
}
