import Glibc
import Logging

/// Writes log lines to standard error: `2026-11-22T10:00:00Z warning: ...`.
struct StandardErrorLog: LogHandler {
    var logLevel = Logger.Level.info
    var metadata = Logger.Metadata()
    private let outlet: LogOutlet

    private init(outlet: LogOutlet) {
        self.outlet = outlet
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var text = "\(event.message)"
        for (key, value) in (event.metadata ?? [:]).sorted(by: { $0.key < $1.key }) {
            text += " \(key)=\(value)"
        }
        outlet.log(
            LogLimiter.Line(level: event.level, text: text),
            of: LogLimiter.Kind(file: event.file, line: event.line))
    }

    /// Makes a logger for the whole process.
    static func makeLogger(
        level: Logger.Level, outlet: LogOutlet = LogOutlet()
    ) -> Logger {
        var logger = Logger(label: "l7proxy") { _ in StandardErrorLog(outlet: outlet) }
        logger.logLevel = level
        return logger
    }

    /// Writes text to standard error as it is, and waits until it is taken: for commands, and
    /// before there are clients to hold up. What cannot be written is lost.
    static func write(_ text: String) {
        writeAll(text, to: STDERR_FILENO)
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
