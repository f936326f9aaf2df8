import Synchronization
import Transport

/// The demonstration's backends, on one thread and loop of their own, seen from outside.
final class DemoBackends {
    static let names = ["blue", "green", "orange"]

    /// Where they listen, in the order of `names`.
    let addresses: [SocketAddress]
    private let mailbox: Wakeup
    private let thread: Transport.Thread

    /// Starts the thread and waits until all of them listen, at ports that the kernel chose.
    init() throws(SystemError) {
        let loop = try EventLoop()
        let birth = DemoBirth(parent: loop.mailbox)
        thread = try startThread(name: "demo-backends") { runDemoBackends(birth) }
        var outcome = birth.outcome
        while outcome == nil {
            loop.turn()
            outcome = birth.outcome
        }
        switch outcome {
        case .success(let place):
            addresses = place.addresses
            mailbox = place.mailbox
        case .failure(let error):
            thread.join()
            throw error
        case nil: preconditionFailure("the thread ended without a word")
        }
    }

    /// Cuts their connections, ends the thread and waits for it.
    func stop() {
        mailbox.wake()
        thread.join()
    }
}

/// How the thread tells who started it that it listens, or why not.
private final class DemoBirth: Sendable {
    struct Place: Sendable {
        let addresses: [SocketAddress]
        let mailbox: Wakeup
    }

    private let parent: Wakeup
    private let result = Mutex<Result<Place, SystemError>?>(nil)

    init(parent: Wakeup) {
        self.parent = parent
    }

    func report(_ outcome: Result<Place, SystemError>) {
        result.withLock { $0 = outcome }
        parent.wake()
    }

    var outcome: Result<Place, SystemError>? { result.withLock { $0 } }
}

/// The body of the thread: everything of the backends is made, used and destroyed here.
private func runDemoBackends(_ birth: DemoBirth) {
    do throws(SystemError) {
        let loop = try EventLoop()
        var doors: [DemoDoor] = []
        for name in DemoBackends.names {
            doors.append(try DemoDoor(DemoBackend(name: name), loop: loop))
        }
        loop.onWake = { [unowned loop] in loop.stop() }
        birth.report(
            .success(.init(addresses: doors.map(\.address), mailbox: loop.mailbox)))
        loop.run()
        for door in doors { door.close() }
    } catch {
        birth.report(.failure(error))
    }
}

/// One backend's listener and the connections that it accepted.
private final class DemoDoor {
    /// 1,024: more than anybody opens to look at a demonstration.
    private static let connectionsMax = 1024

    private let backend: DemoBackend
    private let listener: Listener
    private let loop: EventLoop
    private var connections: [ObjectIdentifier: DemoConnection] = [:]

    init(_ backend: DemoBackend, loop: EventLoop) throws(SystemError) {
        self.backend = backend
        self.loop = loop
        let loopback = SocketAddress(high: 0, low: 0xFFFF_7F00_0001, port: 0)
        listener = try Listener.bind(to: loopback, loop: loop)
        listener.onAccept = { [unowned self] socket, _ in accept(socket) }
    }

    var address: SocketAddress { listener.address }

    private func accept(_ socket: consuming Socket) {
        guard connections.count < DemoDoor.connectionsMax,
            let connection = try? Connection.adopt(socket, loop: loop)
        else { return }
        let accepted = DemoConnection(connection, backend: backend) { [unowned self] closed in
            // A method of it is still running.
            loop.keepUntilTurnEnd(closed)
            connections[ObjectIdentifier(closed)] = nil
        }
        connections[ObjectIdentifier(accepted)] = accepted
    }

    func close() {
        listener.close()
        for connection in connections.values { connection.close() }
    }
}
