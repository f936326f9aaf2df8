import Logging
import ProxyConfig
import ProxyCore
import StickyPolicy
import Testing
import Transport

@testable import L7Proxy

/// What one process gives to the next.
@Suite("Replacing the process")
struct ReplacementTests {
    private static let seed = SessionTable.HashSeed(1, 2)

    private static func key(_ number: UInt64) -> SessionKey {
        SessionKey(service: 7, address: IPAddress(high: number, low: ~number))
    }

    @Test("sessions arrive with their backends and what is left of their time")
    func sessions() throws {
        let old = SessionTable(limit: 100_000, seed: ReplacementTests.seed)
        let time = IdleTime(now: 1_000, timeout: 60)
        for number in 0..<5_000 as Range<UInt64> {
            _ = old.bind(ReplacementTests.key(number), to: number * 3, replacing: nil, at: time)
        }
        let keys = TLSTicketKeys()
        let bytes = HandoverState(old, keys, now: 1_020).encoded
        let prefix = Array(bytes.prefix(HandoverState.prefixByteCount))
        let (byteCount, isKnown) = try #require(HandoverState.bodyByteCount(ofPrefix: prefix))
        #expect(isKnown && byteCount == bytes.count - HandoverState.prefixByteCount)
        let state = try #require(
            HandoverState(body: Array(bytes.dropFirst(HandoverState.prefixByteCount))))
        let new = SessionTable(limit: 100_000, seed: SessionTable.HashSeed(3, 4))
        let newKeys = TLSTicketKeys()
        state.restore(into: new, newKeys, now: 1_020)
        #expect(new.count == 5_000 && newKeys.copies == keys.copies)
        for number in 0..<5_000 as Range<UInt64> {
            let listed = new.backend(
                of: ReplacementTests.key(number), at: IdleTime(now: 1_060, timeout: 60))
            #expect(listed == number * 3)
        }
        let later = SessionTable(limit: 100_000, seed: ReplacementTests.seed)
        state.restore(into: later, newKeys, now: 1_020)
        let overdue = IdleTime(now: 1_061, timeout: 60)
        #expect(later.backend(of: ReplacementTests.key(1), at: overdue) == nil)
    }

    @Test("a session that a tunnel of the old process holds lasts a day in the new one")
    func held() {
        let (held, idle) = (ReplacementTests.key(1), ReplacementTests.key(2))
        let old = SessionTable(limit: 10, seed: ReplacementTests.seed)
        let time = IdleTime(now: 1_000, timeout: 60)
        for key in [held, idle] { _ = old.bind(key, to: 9, replacing: nil, at: time) }
        #expect(old.hold(held, now: 1_000))
        let new = SessionTable(limit: 10, seed: ReplacementTests.seed)
        let state = HandoverState(old, TLSTicketKeys(), now: 5_000)
        state.restore(into: new, TLSTicketKeys(), now: 5_000)
        let late = IdleTime(now: 5_000 + 86_400, timeout: 60)
        #expect(new.backend(of: held, at: late) == 9 && new.backend(of: idle, at: late) == nil)
        // Used by a request, it has the time of any other.
        let later = IdleTime(now: late.now + 61, timeout: 60)
        #expect(new.backend(of: held, at: later) == nil)
    }

    @Test("what was used least recently goes first in the new process, too")
    func orderOfUse() {
        let old = SessionTable(limit: 1_000, seed: ReplacementTests.seed)
        for number in 0..<40 as Range<UInt64> {
            let time = IdleTime(now: 1_000 + UInt32(number * 7 % 40), timeout: 3_600)
            _ = old.bind(ReplacementTests.key(number), to: 1, replacing: nil, at: time)
        }
        let new = SessionTable(limit: 40, seed: SessionTable.HashSeed(3, 4))
        HandoverState(old, TLSTicketKeys(), now: 1_100).restore(
            into: new, TLSTicketKeys(), now: 1_100)
        for number in 100..<120 as Range<UInt64> {
            let time = IdleTime(now: 1_100, timeout: 3_600)
            _ = new.bind(ReplacementTests.key(number), to: 1, replacing: nil, at: time)
        }
        let left = Set(new.sessions(inShard: 0, now: 1_100).map { $0.key.address.high })
        let late = (0..<40 as Range<UInt64>).filter { $0 * 7 % 40 >= 20 }
        #expect(left == Set(late).union(100..<120 as Range<UInt64>))
    }

    private static func known(
        _ name: String, _ wanted: BackendState, health: UInt64 = 0
    ) -> KnownBackend {
        KnownBackend(
            service: "shop", name: name, address: "10.0.0.1:80", configured: .ready,
            wanted: wanted, health: health)
    }

    @Test("what is known of backends and host names arrives, and nothing of it that is cut")
    func backends() throws {
        var state = HandoverState()
        state.backends = [
            ReplacementTests.known("a", .drain), ReplacementTests.known("ü", .ready, health: .max),
        ]
        state.hosts = [
            "app": [IPAddress(v4: 1), IPAddress(high: 2, low: 3)], "b": [IPAddress(v4: 4)],
        ]
        let body = Array(state.encoded.dropFirst(HandoverState.prefixByteCount))
        #expect(HandoverState(body: body) == state)
        for count in 0..<body.count {
            #expect(HandoverState(body: Array(body.prefix(count))) == nil)
        }
    }

    @Test("a new process wants of a backend what operators said, unless its file has changed")
    func operators() throws {
        let board = HealthBoard(log: Logger(label: "test"))
        board.inherit([
            ReplacementTests.known("a", .drain), ReplacementTests.known("b", .down),
            ReplacementTests.known("gone", .down),
        ])
        let endpoint = Endpoint(address: IPAddress(v4: 0x0A00_0001), port: 80)
        var backends = ["a", "b", "c"].map { Backend(endpoint: endpoint, name: $0) }
        backends[1].state = .drain
        let service = Service(name: "shop", backends: backends)
        #expect(board.services(for: [service])[0].wanted == [.drain, .drain, .ready])
        // It holds through a reload, as if it had been said to this process.
        #expect(board.services(for: [service])[0].wanted == [.drain, .drain, .ready])
    }

    @Test("a backend that was down, or out, is so in the new process where it is still asked")
    func health() throws {
        var found = BackendHealth()
        found.note(.down, by: .application)
        let rule = PassiveHealth()
        for _ in 0..<rule.maxFails { _ = found.requestFailed(at: 1_000, rule) }
        let known = ReplacementTests.known("10.0.0.1:80", .ready, health: found.rawValue)
        let endpoint = Endpoint(address: IPAddress(v4: 0x0A00_0001), port: 80)
        var service = Service(
            name: "shop", backends: [Backend(endpoint: endpoint, name: known.name)])
        for check in [nil, HealthCheck(.connect)] {
            service.healthCheck = check
            let board = HealthBoard(log: Logger(label: "test"))
            board.inherit([known])
            let health = board.services(for: [service])[0].cells[0].health
            #expect(health.checked == (check == nil ? .ready : .down))
            #expect(health.isEjected && health.outUntil == found.outUntil && board.hasTrouble)
            var elsewhere = service
            elsewhere.backends[0].endpoint.port = 81
            let other = HealthBoard(log: Logger(label: "test"))
            other.inherit([known])
            #expect(other.services(for: [elsewhere])[0].cells[0].health == BackendHealth())
        }
    }

    @Test("of a state that is cut, or another version's, nothing is taken")
    func damaged() throws {
        let table = SessionTable(limit: 10, seed: ReplacementTests.seed)
        _ = table.bind(
            ReplacementTests.key(1), to: 2, replacing: nil, at: IdleTime(now: 1, timeout: 60))
        let bytes = HandoverState(table, TLSTicketKeys(), now: 1).encoded
        let body = Array(bytes.dropFirst(HandoverState.prefixByteCount))
        #expect(HandoverState(body: body)?.sessions.count == 1)
        let withoutSessions = body.count - 36
        for count in 0..<body.count where count != withoutSessions {
            #expect(HandoverState(body: Array(body.prefix(count))) == nil)
        }
        #expect(HandoverState(body: [UInt8](repeating: 0xFF, count: 200)) == nil)
        var prefix = Array(bytes.prefix(HandoverState.prefixByteCount))
        prefix[0] = 99
        #expect(HandoverState.bodyByteCount(ofPrefix: prefix)?.isKnown == false)
        prefix[14] = 1
        #expect(HandoverState.bodyByteCount(ofPrefix: prefix) == nil)
    }

    @Test(
        "every inherited socket has a worker, however many there are of each",
        arguments: [(1, 3), (2, 2), (3, 2), (5, 1)])
    func sharing(socketCount: Int, workerCount: Int) throws {
        let loop = try EventLoop()
        let wanted = SocketAddress(high: 0, low: 0xFFFF_7F00_0001, port: 0)
        let first = try Listener.bind(to: wanted, loop: loop)
        var listeners = [first]
        for _ in 1..<socketCount {
            listeners.append(try Listener.bind(to: first.address, loop: loop))
        }
        defer { for listener in listeners { listener.close() } }
        var inheritance = Inheritance()
        inheritance.sockets = listeners.compactMap { $0.copyForSuccessor() }
        let port = try #require(first.address.port)
        let exact = try #require(ListenerAddress(text: "127.0.0.1:\(port)"))
        let other = try #require(ListenerAddress(text: "127.0.0.1:1"))
        let (shares, rest) = try inheritance.shared(out: [other, exact], to: workerCount)
        #expect(rest == [] && shares.count == workerCount)
        let given = shares.flatMap { $0[exact] ?? [] }
        #expect(Set(given.map(\.descriptor)) == Set(inheritance.sockets.map(\.descriptor)))
        #expect(given.count == socketCount)
        #expect(shares.prefix(socketCount).allSatisfy { $0[exact] != nil && $0[other] == nil })
        for socket in given { socket.close() }
    }

    @Test("a port that the kernel chose is found again, and a strange socket is left over")
    func openPort() throws {
        let loop = try EventLoop()
        let listener = try Listener.bind(
            to: SocketAddress(high: 0, low: 0xFFFF_7F00_0001, port: 0), loop: loop)
        defer { listener.close() }
        var inheritance = Inheritance()
        inheritance.sockets = [try #require(listener.copyForSuccessor())]
        let open = try #require(ListenerAddress(text: "127.0.0.1:0"))
        let elsewhere = try #require(ListenerAddress(text: "127.0.0.2:0"))
        #expect(try inheritance.shared(out: [elsewhere], to: 1).1 == inheritance.sockets)
        #expect(
            try inheritance.shared(out: [open], to: 1).shares[0][open] == inheritance.sockets)
        for socket in inheritance.sockets { socket.close() }
    }

    @Test("an admin listener with an open port takes no socket that clients come to")
    func openAdminPort() throws {
        let loop = try EventLoop()
        let open = SocketAddress(high: 0, low: 0xFFFF_7F00_0001, port: 0)
        let listeners = [
            try Listener.bind(to: open, loop: loop), try Listener.bind(to: open, loop: loop),
        ]
        defer { for listener in listeners { listener.close() } }
        var inheritance = Inheritance()
        inheritance.sockets = listeners.compactMap { $0.copyForSuccessor() }
        let (shop, admin) = (inheritance.sockets[0], inheritance.sockets[1])
        let port = try #require(shop.address.port)
        let named = try #require(ListenerAddress(text: "127.0.0.1:\(port)"))
        let wanted = try #require(ListenerAddress(text: "127.0.0.1:0"))
        #expect(inheritance.takeSocket(at: wanted, besides: [named]) == admin)
        #expect(inheritance.takeSocket(at: wanted, besides: [named]) == nil)
        #expect(inheritance.sockets == [shop])
        for socket in [shop, admin] { socket.close() }
    }

    @Test("clients of a listener that was handed over are served by the other process")
    func takenOver() throws {
        let backend = try ScriptedBackend(ScriptedBackend.answering(ok("same")))
        let old = try ProxyUnderTest(to: backend, workers: 2)
        let kept = try old.connect(sending: get())
        #expect(try kept.readMessage().bodyText == "same")
        let new = try ProxyUnderTest(takingOverFrom: old, workers: 1)
        #expect(new.port == old.port)
        let finishing = try startThread(name: "old") { old.finishAsReplaced() }
        // Its connections end with an answer; everybody else finds the new one.
        var isLast = false
        while !isLast {
            try kept.send(get())
            let answer = try kept.readMessage()
            try #require(answer.status == 200)
            isLast = answer["Connection"] == "close"
        }
        finishing.join()
        for _ in 0..<8 { #expect(try new.exchange(get()).bodyText == "same") }
    }
}
