import Glibc
import Logging
import ProxyConfig
import Synchronization
import Testing
import Transport

@testable import L7Proxy

/// The access log where it cannot be written: traffic goes on.
@Suite("Access log in trouble")
struct AccessLogTroubleTests {
    private let directory: LogDirectory
    private let backend: ScriptedBackend

    init() throws {
        directory = try LogDirectory()
        backend = try ScriptedBackend()
    }

    private func proxy(_ path: String? = nil) throws -> ProxyUnderTest {
        try ProxyUnderTest(
            to: backend,
            settings: "accessLog: {format: json, path: \(path ?? directory.log)}",
            admin: "{address: '127.0.0.1:0'}")
    }

    /// Requests whose lines are long, until some of them are dropped.
    private func fill(_ proxy: ProxyUnderTest) throws -> Int {
        let client = try proxy.connect()
        let request = get("/" + String(repeating: "a", count: 2_000))
        var count = 0
        while proxy.droppedLineCount == 0 {
            try #require(count < 20_000)
            try client.send(request)
            #expect(try client.readMessage().status == 200)
            count += 1
        }
        return count
    }

    /// What `/metrics` says of lost lines. The last one may be lost later than it is answered.
    private func metric(_ proxy: ProxyUnderTest) throws -> Int {
        let text = try proxy.connectAdmin().asks("/metrics").bodyText
        let name = "l7proxy_access_log_lines_dropped_total "
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name) })
        return try #require(Int(line.dropFirst(name.count)))
    }

    @Test("a full disk drops lines, counts them, and holds up nobody")
    func fullDisk() throws {
        let proxy = try proxy("/dev/full")
        let count = try fill(proxy)
        #expect(try proxy.exchange(get()).status == 200)
        #expect(proxy.droppedLineCount >= 1 && proxy.droppedLineCount <= count + 1)
        #expect(try metric(proxy) >= 1)
        #expect(try metric(proxy) <= proxy.droppedLineCount)
        let begin = ContinuousClock.now
        proxy.stop()
        // A second for the file, which does not take it.
        #expect(ContinuousClock.now - begin < .seconds(30))
    }

    @Test("a pipe that nobody reads drops lines, and its reader finds whole ones when it comes")
    func stuckPipe() throws {
        try directory.makePipe()
        let reader = try directory.openReader()
        defer { close(reader) }
        let proxy = try proxy()
        let count = try fill(proxy)
        var lines = 0
        // All that was not dropped comes: what was dropped meanwhile is counted in.
        while lines + proxy.droppedLineCount < count {
            let line = try readLine(reader)
            #expect(line.hasPrefix("{\"time\":") && line.hasSuffix("}\n"))
            lines += 1
        }
        #expect(lines > 0)
    }

    @Test("a pipe without a reader is opened when one comes")
    func lateReader() throws {
        try directory.makePipe()
        let proxy = try proxy()
        #expect(try proxy.exchange(get("/early")).status == 200)
        let reader = try directory.openReader()
        defer { close(reader) }
        #expect(try readLine(reader).contains("/early"))
    }

    @Test("a log that was renamed gets a new file at USR1")
    func rotated() throws {
        let proxy = try proxy()
        _ = try proxy.exchange(get("/1"))
        _ = try directory.wait(for: 1)
        directory.rotate()
        _ = try proxy.exchange(get("/2"))
        #expect(try directory.wait(for: 2, in: "access.log.1")[1].contains("/2"))
        proxy.reopenLogs()
        // The file is there before the next line is.
        while !directory.hasLog { usleep(1_000) }
        _ = try proxy.exchange(get("/3"))
        #expect(try directory.wait(for: 1)[0].contains("/3"))
        #expect(directory.lines(of: "access.log.1").count == 2)
        #expect(proxy.droppedLineCount == 0)
    }

    @Test("behind another process, the log is the file of its name, once there is one")
    func followed() throws {
        let proxy = try proxy()
        _ = try proxy.exchange(get("/1"))
        _ = try directory.wait(for: 1)
        proxy.followLogs()
        directory.rotate()
        _ = try proxy.exchange(get("/2"))
        #expect(try directory.wait(for: 2, in: "access.log.1")[1].contains("/2"))
        close(unsafe open(directory.log, O_WRONLY | O_CREAT, 0o640))
        _ = try proxy.exchange(get("/3"))
        #expect(try directory.wait(for: 1)[0].contains("/3"))
        #expect(directory.lines(of: "access.log.1").count == 2)
    }

    @Test("a log is opened anew while lines come faster than they can be written")
    func reopenedUnderLoad() throws {
        let log = try AccessLog(log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let feed = log.makeFeed()
        log.adopt(AccessLogRule(format: .json, path: directory.log))
        let end = ContinuousClock.now + .seconds(10)
        let isOver = Flag()
        let writing = try startThread(name: "lines") {
            let line = Array((String(repeating: "a", count: 400) + "\n").utf8)
            while !isOver.isSet { feed.put(line.span) }
        }
        while !directory.hasLog, ContinuousClock.now < end { usleep(1_000) }
        directory.rotate()
        log.reopen()
        while !directory.hasLog, ContinuousClock.now < end { usleep(1_000) }
        #expect(directory.hasLog)
        isOver.set()
        writing.join()
        log.stop()
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)

        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }

    @Test("a log that was removed is made anew")
    func removed() throws {
        let proxy = try proxy()
        _ = try proxy.exchange(get("/1"))
        _ = try directory.wait(for: 1)
        directory.remove()
        _ = try proxy.exchange(get("/2"))
        #expect(try directory.wait(for: 1)[0].contains("/2"))
    }

    @Test("a log that cannot be opened stops nothing")
    func noDirectory() throws {
        let proxy = try proxy(directory.path + "/none/access.log")
        #expect(try proxy.exchange(get()).status == 200)
        proxy.stop()
    }

    /// One line of a descriptor that does not wait.
    private func readLine(_ descriptor: Int32) throws -> String {
        var bytes: [UInt8] = []
        while bytes.last != 0x0A {
            try demand(
                waitForDescriptor(descriptor, POLLIN, within: Wire.patience), "a line of the pipe")
            var byte: UInt8 = 0
            switch unsafe read(descriptor, &byte, 1) {
            case 1: bytes.append(byte)
            // No writer yet.
            case 0: usleep(1_000)
            default: continue
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
