import Glibc
import HTTPParser
import Logging
import StickyPolicy
import Transport

/// Writes log lines to standard error, one write a line: `2026-11-22T10:00:00Z warning: ...`.
struct StandardErrorLog: LogHandler {
    var logLevel = Logger.Level.info
    var metadata = Logger.Metadata()

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = "\(StandardErrorLog.timestamp()) \(event.level): \(event.message)"
        for (key, value) in (event.metadata ?? [:]).sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(value)"
        }
        StandardErrorLog.write(line + "\n")
    }

    /// Makes a logger for the whole process.
    static func makeLogger(level: Logger.Level) -> Logger {
        var logger = Logger(label: "l7proxy") { _ in StandardErrorLog() }
        logger.logLevel = level
        return logger
    }

    /// Writes text to standard error as it is. What cannot be written is lost.
    static func write(_ text: String) {
        writeAll(text, to: STDERR_FILENO)
    }

    private static func timestamp() -> String {
        let date = CivilDate(unixSeconds: WallClock.unixSeconds())
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(date.year)-\(two(date.month))-\(two(date.day))"
            + "T\(two(date.hour)):\(two(date.minute)):\(two(date.second))Z"
    }
}

/// Writes all of a text to a descriptor, as far as the descriptor lets it.
func writeAll(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        // SAFETY: the slice's own memory and count, for the length of the call.
        let count = unsafe rest.withUnsafeBytes { bytes in
            unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}
