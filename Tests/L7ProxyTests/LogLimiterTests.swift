import Logging
import Testing

@testable import L7Proxy

/// Bounds of the error log, for each kind of message.
@Suite("Error log: its limit")
struct LogLimiterTests {
    private let kind = LogLimiter.Kind(file: "a", line: 1)
    private let most = LogLimiter.linesPerWindow
    private let over = LogLimiter.window

    private func line(_ number: Int) -> LogLimiter.Line {
        LogLimiter.Line(level: .warning, text: "line \(number)")
    }

    /// A limiter that was offered lines of one kind at time 0.
    private func limiter(offered count: Int) -> LogLimiter {
        var limiter = LogLimiter()
        for number in 1...count {
            let isAdmitted = limiter.admit(line(number), of: kind, at: 0)
            #expect(isAdmitted == (number <= most))
        }
        return limiter
    }

    @Test("as many lines of a kind as may be are written, and no more", arguments: [-1, 0, 1, 500])
    func limited(beyond: Int) {
        var limiter = limiter(offered: most + beyond)
        let said = limiter.takeLeftOut(at: over)
        #expect(said.isEmpty == (beyond <= 0))
    }

    @Test("kinds do not take each other's lines: that one is ready is always said")
    func kinds() {
        var limiter = limiter(offered: most + 1)
        let ready = LogLimiter.Kind(file: "a", line: 2)
        let isSaid = limiter.admit(line(0), of: ready, at: 0)
        #expect(isSaid)
    }

    @Test("what was left out is said once, when its time is over, and how much it was")
    func leftOut() {
        var limiter = limiter(offered: most + 3)
        let early = limiter.takeLeftOut(at: over - 1)
        #expect(early.isEmpty)
        let said = limiter.takeLeftOut(at: over)
        #expect(said.map(\.text) == ["line \(most + 3) (and 2 more like it)"])
        #expect(said.map(\.level) == [.warning])
        let again = limiter.takeLeftOut(at: 2 * over)
        #expect(again.isEmpty)
    }

    @Test("a single line that was left out is said late, as it is")
    func single() {
        var limiter = limiter(offered: most + 1)
        let said = limiter.takeLeftOut(at: over)
        #expect(said.map(\.text) == ["line \(most + 1)"])
    }

    @Test("at the end of the process all of it is said, whatever the time")
    func end() {
        var limiter = limiter(offered: most + 2)
        let said = limiter.takeLeftOut(at: 0, all: true)
        #expect(said.count == 1)
    }

    @Test("when the time is over, as many are written again", arguments: [0, 1])
    func nextWindow(beyond: Int) {
        var limiter = limiter(offered: most + beyond)
        _ = limiter.takeLeftOut(at: over)
        let admitted = (0...most).map { limiter.admit(line($0), of: kind, at: over) }
        #expect(admitted == [Bool](repeating: true, count: most) + [false])
    }
}
