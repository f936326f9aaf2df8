/// What an exchange still needs of the configuration that it began under, and has let go.
final class FormerConfiguration {
    /// Where it goes, in words.
    let names: ExchangeNames
    /// Bytes; 0 for no limit.
    let requestBodyMax: UInt64

    init(names: ExchangeNames, requestBodyMax: UInt64) {
        self.names = names
        self.requestBodyMax = requestBodyMax
    }
}
