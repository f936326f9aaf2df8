/// The buckets of all histograms of durations: from half a millisecond to a minute.
enum DurationBuckets {
    /// Upper bounds in seconds, in the order of the buckets; the last bucket has none.
    static let bounds: [StaticString] = [
        "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1",
        "2.5", "5", "10", "30", "60",
    ]

    static let count = 17

    /// The bucket of a duration. Most take the first comparisons only.
    @inline(__always)
    static func position(ofMicroseconds time: UInt64) -> Int {
        switch time {
        case ...500: 0
        case ...1_000: 1
        case ...2_500: 2
        case ...5_000: 3
        case ...10_000: 4
        case ...25_000: 5
        case ...50_000: 6
        case ...100_000: 7
        case ...250_000: 8
        case ...500_000: 9
        case ...1_000_000: 10
        case ...2_500_000: 11
        case ...5_000_000: 12
        case ...10_000_000: 13
        case ...30_000_000: 14
        case ...60_000_000: 15
        default: 16
        }
    }
}
