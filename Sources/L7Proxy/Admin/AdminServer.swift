import Logging
import ProxyConfig
import StickyPolicy
import Synchronization
import Transport

/// The admin listener, seen from outside: a thread and a loop of its own, so that no scrape and no
/// slow reader ever holds up a request.
final class AdminServer {
    private let answers: AdminAnswers
    private let limits: AdminLimits
    private let log: Logger
    private var rule = AdminRule.off
    private var running: Running?

    private struct Running {
        let place: AdminPlace
        let thread: Transport.Thread
        /// Its own: what another address asks for, or does not, is never asked for here.
        let token: AdminToken
    }

    init(_ answers: AdminAnswers, log: Logger, limits: AdminLimits = AdminLimits()) {
        self.answers = answers
        self.limits = limits
        self.log = log
    }

    /// Where it listens; nil where it does not.
    var address: SocketAddress? { running?.place.address }

    /// Listens where the rule says, and nowhere else any more; reads the token again.
    ///
    /// - Parameter inherited: the socket at the rule's address, where it is open already.
    /// - Throws: when the address or the token cannot be had, and then all is as before. The usual
    ///   address that is taken is no failure: nobody has asked for it.
    func adopt(
        _ rule: AdminRule, _ inherited: InheritedSocket? = nil
    ) throws(AdminFailure) {
        let fresh = try AdminToken.read(rule.tokenFile)
        if rule.address != self.rule.address {
            let next = try start(at: rule, AdminToken(fresh), inherited)
            stop()
            running = next
        } else {
            running?.token.replace(by: fresh)
        }
        self.rule = rule
    }

    /// Ends the thread and waits for it.
    func stop() {
        guard let running else { return }
        running.place.mailbox.wake()
        running.thread.join()
        running.place.copy?.close()
        self.running = nil
        rule = .off
    }

    /// For the process that takes this one's place.
    func copyOfListener() -> InheritedSocket? {
        running?.place.copy.flatMap { try? $0.duplicate() }
    }

    private func start(
        at rule: AdminRule, _ token: AdminToken, _ inherited: InheritedSocket?
    ) throws(AdminFailure) -> Running? {
        guard let address = rule.address else { return nil }
        do throws(ListenError) {
            return try start(at: address, token, inherited)
        } catch {
            guard rule == .usual else { throw AdminFailure(description: "admin: \(error)") }
            log.warning("there is no admin listener: \(error); see --admin")
            return nil
        }
    }

    private func start(
        at address: ListenerAddress, _ token: AdminToken, _ inherited: InheritedSocket?
    ) throws(ListenError) -> Running {
        guard let socketAddress = address.socketAddress else {
            throw ListenError(address: address, reason: "the path is too long")
        }
        let birth = Birth<AdminPlace, SystemError>()
        let work = AdminWork(
            answers: answers, token: token, limits: limits, inherited: inherited)
        do throws(SystemError) {
            if inherited == nil { try Listener.probe(socketAddress) }
            let thread = try startThread(name: "admin") {
                runAdmin(work, at: socketAddress, birth)
            }
            switch birth.wait() {
            case .success(let place): return Running(place: place, thread: thread, token: token)
            case .failure(let error):
                thread.join()
                throw error
            }
        } catch {
            throw ListenError(address: address, reason: "\(error)")
        }
    }
}

/// Where the listener is, and how its thread is told to end.
private struct AdminPlace: Sendable {
    let address: SocketAddress
    let mailbox: Wakeup
    /// For another process; open as long as the listener.
    let copy: InheritedSocket?
}

/// What the thread is given to do.
private struct AdminWork: Sendable {
    let answers: AdminAnswers
    let token: AdminToken
    let limits: AdminLimits
    /// The listening socket, where it is open already.
    let inherited: InheritedSocket?

    func listen(at address: SocketAddress, loop: EventLoop) throws(SystemError) -> Listener {
        guard let inherited else { return try Listener.bind(to: address, loop: loop) }
        return try Listener.adopt(inherited, loop: loop)
    }

    func answer(_ request: AdminRequest) -> AdminResponse {
        let access = AdminAccess(token: token.current)
        if let refusal = access.refusal(of: request) {
            return AdminResponse(status: refusal.status, refusal.reason)
        }
        return answers.answer(request)
    }
}

/// The body of the thread: everything of it is made, used and destroyed here.
private func runAdmin(
    _ work: AdminWork, at address: SocketAddress, _ birth: Birth<AdminPlace, SystemError>
) {
    do throws(SystemError) {
        let loop = try EventLoop()
        let door = try AdminDoor(work, at: address, loop: loop)
        loop.onWake = { [unowned loop] in loop.stop() }
        birth.report(
            .success(
                AdminPlace(address: door.address, mailbox: loop.mailbox, copy: door.copy)))
        loop.run()
        door.close()
        // What was closed is a circle until the end of a turn.
        loop.onWake = nil
        loop.turn(waitingAtMost: .zero)
    } catch {
        birth.report(.failure(error))
    }
}

/// The listener and its connections.
private final class AdminDoor {
    private let listener: Listener
    private let loop: EventLoop
    private let work: AdminWork
    /// The oldest first.
    private var connections: [AdminConnection] = []

    init(
        _ work: AdminWork, at address: SocketAddress, loop: EventLoop
    ) throws(SystemError) {
        self.loop = loop
        self.work = work
        listener = try work.listen(at: address, loop: loop)
        listener.onAccept = { [unowned self] socket, _ in accept(socket) }
    }

    var address: SocketAddress { listener.address }
    var copy: InheritedSocket? { listener.copyForSuccessor() }

    private func accept(_ socket: consuming Socket) {
        if connections.count >= work.limits.connections {
            (connections.first(where: \.isIdle) ?? connections.first)?.close()
        }
        guard let connection = try? Connection.adopt(socket, loop: loop) else { return }
        connections.append(
            AdminConnection(
                connection, limits: work.limits,
                answer: { [unowned self] request in
                    makeRoom()
                    return work.answer(request)
                }
            ) { [unowned self] closed in
                // A method of it is still running.
                loop.keepUntilTurnEnd(closed)
                connections.removeAll { $0 === closed }
            })
    }

    /// Before another answer is made: slow readers hold theirs.
    private func makeRoom() {
        var count = connections.reduce(0) { $0 + $1.heldByteCount }
        while count > work.limits.answerBytes,
            let oldest = connections.first(where: { $0.heldByteCount > 0 })
        {
            count -= oldest.heldByteCount
            oldest.close()
        }
    }

    func close() {
        listener.close()
        for connection in connections { connection.close() }
    }
}

extension AdminRule {
    var address: ListenerAddress? {
        switch self {
        case .usual: AdminRule.usualAddress
        case .off: nil
        case .at(let address, _): address
        }
    }
}
