import Glibc
import Logging
import Testing
import Transport

@testable import L7Proxy

/// The error log where it goes to: it never waits for a reader.
@Suite("Error log: its outlet")
struct LogOutletTests {
    /// A pipe, and a logger that writes to it.
    private struct Piped: ~Copyable {
        let reader: Int32
        let writer: Int32
        let outlet: LogOutlet
        let log: Logger

        init() throws {
            var ends: [Int32] = [-1, -1]
            guard unsafe pipe(&ends) == 0 else {
                throw WireError.failed(call: "pipe", code: errno)
            }
            (reader, writer) = (ends[0], ends[1])
            outlet = LogOutlet(descriptor: writer)
            log = StandardErrorLog.makeLogger(level: .info, outlet: outlet)
        }

        deinit {
            close(reader)
            close(writer)
        }

        /// The lines that wait to be read, without their times.
        func readLines() -> [String] {
            var text: [UInt8] = []
            var space = [UInt8](repeating: 0, count: 65_536)
            while waitForDescriptor(reader, POLLIN, within: .zero) {
                // SAFETY: the array's own memory and count, for the length of the call.
                let count = unsafe space.withUnsafeMutableBytes { space in
                    unsafe read(reader, space.baseAddress, space.count)
                }
                guard count > 0 else { break }
                text += space[..<count]
            }
            return String(decoding: text, as: UTF8.self).split(separator: "\n").map { line in
                String(line.drop { $0 != " " }.dropFirst())
            }
        }

        /// Fills the pipe with lines of kinds of their own.
        func fill() {
            var number: UInt = 0
            while outlet.lostCount == 0, number < 10_000 {
                number += 1
                log.info("\(String(repeating: "x", count: 900))", line: 1_000 + number)
            }
        }
    }

    @Test("a line has its level, its text and what belongs to it")
    func line() throws {
        let piped = try Piped()
        piped.log.warning("something", metadata: ["b": "2", "a": "1"])
        #expect(piped.readLines() == ["warning: something a=1 b=2"])
    }

    @Test("too many lines of one kind are left out, counted, and said when the process ends")
    func limited() throws {
        let piped = try Piped()
        for number in 1...(LogLimiter.linesPerWindow + 5) { piped.log.info("line \(number)") }
        #expect(piped.outlet.limitedCount == 5)
        #expect(piped.readLines().count == LogLimiter.linesPerWindow)
        piped.outlet.sayLeftOut(all: true)
        let last = LogLimiter.linesPerWindow + 5
        #expect(piped.readLines() == ["info: line \(last) (and 4 more like it)"])
    }

    @Test("a full pipe loses lines and says how many, and makes nobody wait")
    func full() throws {
        let piped = try Piped()
        piped.fill()
        for _ in 0..<4 { piped.log.info("lost") }
        #expect(piped.outlet.lostCount == 5)
        let read = piped.readLines()
        #expect(read.count > 10 && !read.contains { $0.contains("lost") })
        piped.log.notice("heard")
        let said = "warning: 5 lines of this log are lost: nobody read them"
        #expect(piped.readLines() == [said, "notice: heard"])
    }

    @Test("a line that was cut ends before the next one begins")
    func cut() throws {
        let piped = try Piped()
        piped.log.info("\(String(repeating: "y", count: 200_000))")
        #expect(piped.outlet.lostCount == 1)
        #expect(piped.readLines().count == 1)
        piped.log.info("whole")
        #expect(piped.readLines().dropFirst() == ["info: whole"])
    }

    @Test("a reader who has gone, and a descriptor that is closed, lose lines and nothing else")
    func gone() throws {
        Signals.ignoreBrokenPipe()
        var ends: [Int32] = [-1, -1]
        try #require(unsafe pipe(&ends) == 0)
        let outlet = LogOutlet(descriptor: ends[1])
        close(ends[0])
        close(ends[1])
        let log = StandardErrorLog.makeLogger(level: .info, outlet: outlet)
        log.info("nobody")
        #expect(outlet.lostCount == 1)
        let closed = LogOutlet(descriptor: 1_000_000)
        StandardErrorLog.makeLogger(level: .info, outlet: closed).info("nobody")
        #expect(closed.lostCount == 1)
    }

    @Test("what a reload finds wrong waits for a reader as long as it may, and then is lost")
    func patience() throws {
        let piped = try Piped()
        piped.outlet.write("error: one\n", patience: .zero)
        #expect(piped.readLines() == ["one"])
        piped.fill()
        let lost = piped.outlet.lostCount
        piped.outlet.write("error: two\nerror: three\n", patience: .milliseconds(20))
        #expect(piped.outlet.lostCount == lost + 2)
    }
}
