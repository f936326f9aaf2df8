import HTTPParser
import Logging
import ProxyConfig
import StickyPolicy
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
            accessLog: try AccessLog(log: log))
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
        limits.requestTime = .milliseconds(100)
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
        limits.requestTime = .milliseconds(50)
        limits.idleTime = .milliseconds(50)
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
