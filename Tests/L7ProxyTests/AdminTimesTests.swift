import Glibc
import HTTPParser
import Logging
import ProxyConfig
import StickyPolicy
import Synchronization
import Testing
import Transport

@testable import L7Proxy

/// What a slow peer of the admin listener may take, with times that a test can wait for.
@Suite("Admin listener's patience")
struct AdminTimesTests {
    private static func server(_ limits: AdminLimits) throws -> (AdminServer, ProcessStatus) {
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let board = HealthBoard(log: log)
        let status = ProcessStatus(
            admission: Admission(log: log),
            sessions: SessionTable(limit: 10, seed: SessionTable.HashSeed(0, 0)), health: board,
            logs: ProcessStatus.Logs(access: try AccessLog(log: log), errors: LogOutlet()))
        let server = AdminServer(AdminAnswers(status: status), log: log, limits: limits)
        let address = ListenerAddress.tcp(Endpoint(address: IPAddress(v4: 0x7F00_0001), port: 0))
        try server.adopt(.at(address, tokenFile: nil))
        return (server, status)
    }

    private static func connect(_ server: AdminServer) throws -> Wire {
        try Wire(connectingTo: #require(server.address?.port))
    }

    @Test("a request that drips in is not waited for beyond its time")
    func drip() throws {
        var limits = AdminLimits()
        limits.requestTime = .seconds(1)
        let (server, _) = try Self.server(limits)
        defer { server.stop() }
        let client = try Self.connect(server)
        // A byte at a time for as long as anybody takes them.
        try client.send("GET /healthz HTTP/1.1\r\nX: ")
        while !client.isBroken(within: .milliseconds(5)) {
            do { try client.send("x") } catch { break }
        }
        #expect(try Self.connect(server).asks("/healthz").status == 200)
    }

    @Test("a connection that says nothing is closed, before a request and between two")
    func silence() throws {
        var limits = AdminLimits()
        limits.requestTime = .seconds(1)
        limits.idleTime = .seconds(1)
        let (server, _) = try Self.server(limits)
        defer { server.stop() }
        #expect(try Self.connect(server).readToEnd().text == "")
        let client = try Self.connect(server)
        #expect(try client.asks("/healthz").status == 200)
        #expect(try client.readToEnd().text == "")
    }

    @Test("another address ends the listener at the old one, and a bad one does not")
    func moves() throws {
        let (server, _) = try Self.server(AdminLimits())
        defer { server.stop() }
        let old = try #require(server.address?.port)
        let taken = AdminRule.at(
            .tcp(Endpoint(address: IPAddress(v4: 0x7F00_0001), port: old)), tokenFile: nil)
        #expect(throws: AdminFailure.self) { try server.adopt(taken) }
        #expect(try Self.connect(server).asks("/healthz").status == 200)
        let next = Endpoint(address: IPAddress(v4: 0x7F00_0002), port: 0)
        try server.adopt(.at(.tcp(next), tokenFile: nil))
        #expect(throws: (any Error).self) { try Wire(connectingTo: old).asks("/healthz") }
        try server.adopt(.off)
        #expect(server.address == nil)
    }

    @Test("answers that nobody takes are bounded together: the oldest make room")
    func heldAnswers() throws {
        var limits = AdminLimits()
        limits.answerBytes = 16 * 1024
        let (server, _) = try Self.server(limits)
        defer { server.stop() }
        // The page waits for the end of the request's body.
        let clients = try (0..<8).map { _ in
            let client = try Self.connect(server)
            try client.send("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n")
            #expect(try Self.connect(server).asks("/healthz").status == 200)
            return client
        }
        #expect(try clients[0].readToEnd().text == "")
        try clients[7].send("x")
        #expect(try clients[7].readMessage().status == 200)
    }

    @Test("a listener that takes a token takes it from its first moment")
    func tokenFromTheStart() throws {
        let (server, _) = try Self.server(AdminLimits())
        defer { server.stop() }
        let token = try TokenFile("0123456789abcdef")
        let port = try #require(server.address?.port)
        let local = Endpoint(address: IPAddress(v4: 0x7F00_0001), port: port)
        try server.adopt(.off)
        let answers = Answers()
        let asking = try startThread(name: "asking") {
            while !answers.isOver {
                guard let wire = try? Wire(connectingTo: port) else { continue }
                if let status = (try? wire.asks("/nothing"))?.status { answers.add(status) }
            }
        }
        let elsewhere = Endpoint(address: IPAddress(v4: 0x7F00_0002), port: 0)
        for _ in 0..<50 {
            try server.adopt(.at(.tcp(elsewhere), tokenFile: nil))
            try server.adopt(.at(.tcp(local), tokenFile: token.path))
            try #require(answers.wait())
        }
        answers.end()
        asking.join()
        #expect(answers.statuses == [401])
    }

    private final class TokenFile {
        let path = "/tmp/l7proxy-token-\(getpid())-\(UInt64.random(in: 0 ... .max))"

        init(_ text: String) throws {
            let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            try #require(descriptor >= 0)
            writeAll(text, to: descriptor)
            close(descriptor)
        }

        deinit { _ = unsafe unlink(path) }
    }

    private final class Answers: Sendable {
        private let state = Mutex((statuses: Set<Int>(), count: 0, isOver: false))

        var isOver: Bool { state.withLock { $0.isOver } }
        var statuses: Set<Int> { state.withLock { $0.statuses } }
        func end() { state.withLock { $0.isOver = true } }

        func add(_ status: Int) {
            state.withLock {
                $0.statuses.insert(status)
                $0.count += 1
            }
        }

        /// For one more answer.
        func wait() -> Bool {
            let before = state.withLock { $0.count }
            let end = ContinuousClock.now + Wire.patience
            while ContinuousClock.now < end {
                if state.withLock({ $0.count }) > before { return true }
                usleep(100)
            }
            return false
        }
    }

    @Test("readiness follows the phases of the process")
    func phases() throws {
        let (server, status) = try Self.server(AdminLimits())
        defer { server.stop() }
        let client = try Self.connect(server)
        #expect(try client.asks("/readyz").status == 503)
        status.enter(.ready)
        #expect(try client.asks("/readyz").status == 200)
        status.enter(.draining)
        let draining = try client.asks("/readyz")
        #expect(draining.status == 503 && draining.bodyText == "draining\n")
        #expect(try client.asks("/healthz").status == 200)
    }
}
