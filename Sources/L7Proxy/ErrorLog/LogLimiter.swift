import Logging

/// Bounds the lines of the error log: of a kind that comes again and again, so many are written in
/// a while, and then how many were left out. It is told the time.
struct LogLimiter {
    /// A place in the code that logs: their number is bounded.
    struct Kind: Hashable {
        let file: String
        let line: UInt
    }

    struct Line: Equatable {
        let level: Logger.Level
        let text: String
    }

    private struct Window {
        let begin: UInt64
        var lineCount = 0
        var leftOutCount = 0
        var last = Line(level: .info, text: "")
    }

    /// 100 in ten seconds: all that a person reads, as of as many backends that go at once, and too
    /// little to fill a disk or to keep a worker from its work.
    static let linesPerWindow = 100
    static let window: UInt64 = 10_000_000_000

    private var windows: [Kind: Window] = [:]
    /// Kinds of which something was left out, to be said when their window is over.
    private var silenced: Set<Kind> = []

    /// Whether a line may be written.
    ///
    /// - Parameter time: nanoseconds of a clock that does not go back.
    mutating func admit(_ line: Line, of kind: Kind, at time: UInt64) -> Bool {
        var window = windows[kind] ?? Window(begin: time)
        // What was left out is said first, by `takeLeftOut`.
        if isOver(window, at: time), window.leftOutCount == 0 { window = Window(begin: time) }
        defer { windows[kind] = window }
        guard window.lineCount < LogLimiter.linesPerWindow else {
            window.leftOutCount += 1
            window.last = line
            silenced.insert(kind)
            return false
        }
        window.lineCount += 1
        return true
    }

    /// What was left out of windows that are over, or of all, each to be said once: the last line
    /// of its kind, with the number of the others.
    mutating func takeLeftOut(at time: UInt64, all: Bool = false) -> [Line] {
        guard !silenced.isEmpty else { return [] }
        let due = silenced.filter { kind in
            all || windows[kind].map { isOver($0, at: time) } ?? true
        }
        silenced.subtract(due)
        return due.compactMap { windows.removeValue(forKey: $0) }.map { window in
            let others = window.leftOutCount - 1
            let text = window.last.text + (others > 0 ? " (and \(others) more like it)" : "")
            return Line(level: window.last.level, text: text)
        }.sorted { $0.text < $1.text }
    }

    private func isOver(_ window: Window, at time: UInt64) -> Bool {
        time >= window.begin &+ LogLimiter.window
    }
}
