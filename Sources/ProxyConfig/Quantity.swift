/// Durations and sizes as the routes file writes them.
enum Quantity {
    /// 366 days. Longer waits are mistakes, and their sums must not overflow.
    static let durationMax = Duration.seconds(366 * 86_400)

    /// `250ms`, `5s`, `2m`, `1h`, or seconds without a unit.
    static func duration(_ text: String) -> Duration? {
        guard let (number, unit) = split(text) else { return nil }
        let milliseconds: Int64
        switch unit {
        case "ms": milliseconds = 1
        case "", "s": milliseconds = 1_000
        case "m": milliseconds = 60_000
        case "h": milliseconds = 3_600_000
        default: return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: milliseconds)
        guard !overflow else { return nil }
        let duration = Duration.milliseconds(product)
        return duration <= durationMax ? duration : nil
    }

    /// Bytes, or `k`, `m`, `g` of 1024 each.
    static func size(_ text: String) -> UInt64? {
        guard let (number, unit) = split(text) else { return nil }
        let factor: Int64
        switch unit {
        case "": factor = 1
        case "k", "K": factor = 1 << 10
        case "m", "M": factor = 1 << 20
        case "g", "G": factor = 1 << 30
        default: return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : UInt64(product)
    }

    /// Digits, and what follows them.
    private static func split(_ text: String) -> (Int64, String)? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits) else { return nil }
        return (number, String(text[digits.endIndex...]))
    }
}
