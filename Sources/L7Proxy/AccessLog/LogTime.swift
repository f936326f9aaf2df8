import HTTPParser
import StickyPolicy

/// A moment as the formats of the access log write it. What changes once a second is computed once
/// a second.
struct LogTime {
    private var second: Int64 = -1
    private var milliseconds: UInt64 = 0
    private var iso8601: [UInt8] = []
    private var commonLog: [UInt8] = []

    /// - Parameter unixMilliseconds: since 1970.
    mutating func set(_ unixMilliseconds: Int64) {
        let (second, rest) = unixMilliseconds.quotientAndRemainder(dividingBy: 1_000)
        milliseconds = UInt64(clamping: rest)
        guard second != self.second else { return }
        self.second = second
        let date = CivilDate(unixSeconds: second)
        var writer = ByteWriter(capacity: 64)
        date.appendISO8601(to: &writer)
        iso8601 = writer.copyBytes()
        writer.removeAll()
        date.appendCommonLogDate(to: &writer)
        commonLog = writer.copyBytes()
    }

    /// `2026-11-22T13:40:00.123Z` (RFC 3339).
    func appendISO8601(to line: inout ByteWriter) {
        line.append(iso8601)
        line.append(UInt8(ascii: "."))
        if milliseconds < 100 { line.append(UInt8(ascii: "0")) }
        if milliseconds < 10 { line.append(UInt8(ascii: "0")) }
        line.append(decimal: milliseconds)
        line.append(UInt8(ascii: "Z"))
    }

    /// `22/Nov/2026:13:40:00 +0000`.
    func appendCommonLog(to line: inout ByteWriter) {
        line.append(commonLog)
    }
}
