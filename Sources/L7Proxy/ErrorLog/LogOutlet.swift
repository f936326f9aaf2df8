import Glibc
import Logging
import StickyPolicy
import Synchronization
import Transport

/// Where the lines of all threads go to: standard error, as a rule.
///
/// Workers log, too, and wait for nobody: what a pipe or a terminal does not take at once is lost,
/// and counted. A file is written to as it is.
final class LogOutlet: Sendable {
    private struct Contents {
        let file: LogFile?
        var limiter = LogLimiter()
        /// Lines that were lost since one was written.
        var unsaidCount = 0
        /// The end of a line is missing.
        var isInLine = false
    }

    private let contents: Mutex<Contents>
    private let limited = Atomic<Int>(0)
    private let lost = Atomic<Int>(0)

    /// - Parameter descriptor: stays open and stays the caller's. One that is not open loses all.
    init(descriptor: Int32 = STDERR_FILENO) {
        contents = Mutex(Contents(file: LogFile(sharing: descriptor)))
    }

    /// Lines that were left out because there were too many of their kind.
    var limitedCount: Int { limited.load(ordering: .relaxed) }
    /// Lines that nobody took.
    var lostCount: Int { lost.load(ordering: .relaxed) }

    /// Writes a line, unless there are too many of its kind.
    func log(_ line: LogLimiter.Line, of kind: LogLimiter.Kind) {
        let time = MonotonicTime.now().nanoseconds
        contents.withLock { contents in
            sayLeftOut(contents.limiter.takeLeftOut(at: time), &contents)
            guard contents.limiter.admit(line, of: kind, at: time) else {
                limited.wrappingAdd(1, ordering: .relaxed)
                return
            }
            put(line, &contents)
        }
    }

    /// Says what was left out of a while that is over, or, at the end of the process, of any.
    func sayLeftOut(all: Bool = false) {
        let time = MonotonicTime.now().nanoseconds
        contents.withLock { contents in
            sayLeftOut(contents.limiter.takeLeftOut(at: time, all: all), &contents)
        }
    }

    /// Writes text as it is.
    ///
    /// - Parameter patience: for how long it waits for a reader, who holds up no other thread.
    func write(_ text: String, patience: Duration) {
        var rest = Array(text.utf8)[...]
        let end = MonotonicTime.now() + patience
        while true {
            let isFull = contents.withLock { contents in
                let taken = rest.prefix(contents.file?.writeAtOnce(rest) ?? rest.count)
                if let last = taken.last { contents.isInLine = last != UInt8(ascii: "\n") }
                rest = rest.dropFirst(taken.count)
                return !rest.isEmpty
            }
            guard isFull else { return }
            guard MonotonicTime.now() < end else { break }
            // 5 ms: a reader who is there has read by then.
            usleep(5_000)
        }
        lose(rest.count { $0 == UInt8(ascii: "\n") })
    }

    private func lose(_ count: Int) {
        lost.wrappingAdd(count, ordering: .relaxed)
        contents.withLock { $0.unsaidCount += count }
    }

    private func sayLeftOut(_ lines: [LogLimiter.Line], _ contents: inout Contents) {
        for line in lines { put(line, &contents) }
    }

    private func put(_ line: LogLimiter.Line, _ contents: inout Contents) {
        if contents.unsaidCount > 0 {
            let count = contents.unsaidCount
            let text = "\(count) lines of this log are lost: nobody read them"
            guard write(LogLimiter.Line(level: .warning, text: text), &contents) else {
                lost.wrappingAdd(1, ordering: .relaxed)
                contents.unsaidCount += 1
                return
            }
            contents.unsaidCount = 0
        }
        if !write(line, &contents) {
            lost.wrappingAdd(1, ordering: .relaxed)
            contents.unsaidCount += 1
        }
    }

    /// False when it is not written whole.
    private func write(_ line: LogLimiter.Line, _ contents: inout Contents) -> Bool {
        let begin = contents.isInLine ? "\n" : ""
        let bytes = Array("\(begin)\(LogOutlet.timestamp()) \(line.level): \(line.text)\n".utf8)
        let count = contents.file?.writeAtOnce(bytes[...]) ?? 0
        if count > 0 { contents.isInLine = count < bytes.count }
        return count == bytes.count
    }

    private static func timestamp() -> String {
        let date = CivilDate(unixSeconds: WallClock.unixSeconds())
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(date.year)-\(two(date.month))-\(two(date.day))"
            + "T\(two(date.hour)):\(two(date.minute)):\(two(date.second))Z"
    }
}

extension LogFile {
    /// Writes as much as is taken at once.
    ///
    /// - Returns: how many bytes.
    fileprivate func writeAtOnce(_ bytes: ArraySlice<UInt8>) -> Int {
        var rest = bytes
        while !rest.isEmpty {
            // SAFETY: the slice's own memory and count, for the length of the call.
            let outcome = unsafe rest.withUnsafeBytes { unsafe write($0) }
            guard case .wrote(let count) = outcome, count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        return bytes.count - rest.count
    }
}
