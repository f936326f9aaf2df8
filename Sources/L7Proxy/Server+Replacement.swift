import Glibc
import Logging
import ProxyConfig
import Transport

/// Another process takes this one's place, with its sockets and what it knows, and before that this
/// one takes the place of another.
extension Server {
    enum ReplacementOutcome {
        case replaced
        /// Nothing has happened.
        case failed
        /// A signal came first.
        case toldToStop
    }

    /// 60 s: a large configuration on a busy machine is read in a few.
    private static let startLimit = Duration.seconds(60)
    /// Between two looks at the successor: nobody waits for us, and it takes longer.
    private static let lookInterval = Duration.milliseconds(5)

    // MARK: - The old process

    /// Starts the program anew, from where it stands now, and waits until that one serves.
    func replace() -> ReplacementOutcome {
        guard let successor = startSuccessor() else {
            pidFile?.write(log)
            return .failed
        }
        log.notice("process \(successor.child.id) is to take over")
        serviceManager.reloading("process \(successor.child.id) is to take over")
        let outcome = wait(for: successor)
        switch outcome {
        case .replaced:
            serviceManager.replaced(by: successor.child.id, "replaced")
            serviceManager = ServiceManager()
            // What it asks for may have come after the other process read its files.
            if Signals.wait(for: [SIGHUP], timeout: .zero) != nil {
                kill(successor.child.id, SIGHUP)
            }
        case .failed, .toldToStop:
            successor.giveUp()
            log.error("process \(successor.child.id) did not take over; this one goes on")
            serviceManager.ready("a replacement did not start")
            // Written again: whoever waits for another number learns that none comes.
            pidFile?.write(log)
        }
        return outcome
    }

    private func startSuccessor() -> Successor? {
        guard let successorArguments, getpid() != 1 else {
            let reason =
                getpid() == 1
                ? "the end of process 1 ends its container" : "its configuration came by a pipe"
            log.error("this process cannot be replaced: \(reason)")
            return nil
        }
        let sockets = copyListeners()
        defer { for socket in sockets { socket.close() } }
        do throws(SystemError) {
            return try Successor.start(successorArguments, sockets: sockets)
        } catch {
            log.error("no process could be started to take over: \(error)")
            return nil
        }
    }

    /// All listening sockets of all workers, for another process; they are the caller's.
    func copyListeners() -> [InheritedSocket] {
        let copies = ListenerCopies(from: workers.count)
        let door = admin.copyOfListener()
        for worker in workers { worker.share.orders.put(.showListeners(to: copies)) }
        while true {
            if let all = copies.take() { return all + (door.map { [$0] } ?? []) }
            // Workers answer at the end of their turn.
            usleep(200)
        }
    }

    private func wait(for successor: Successor) -> ReplacementOutcome {
        let end = MonotonicTime.now() + Server.startLimit
        while MonotonicTime.now() < end {
            switch successor.progress() {
            case .serves: return .replaced
            case .failed: return .failed
            case .mayBeTold:
                var state = HandoverState(sessions, ticketKeys, now: Server.monotonicSeconds)
                state.backends = status.current?.knownBackends ?? []
                state.hosts = names.answers
                guard successor.tell(state) else { return .failed }
            case .waits: break
            }
            let signal = Signals.wait(for: [SIGTERM, SIGINT], timeout: Server.lookInterval)
            if signal != nil { return .toldToStop }
        }
        return .failed
    }

    /// Takes nothing new, and ends when the last connection has: answers end theirs, and tunnels
    /// last as long as they would have. TERM makes it drain.
    func finishAsReplaced() {
        status.enter(.replaced)
        admin.stop()
        followLogs()
        log.notice("replaced; \(connectionCount) connections are left")
        for worker in workers { worker.share.orders.put(.handOver) }
        while !workers.allSatisfy(\.share.hasEnded) {
            // Besides signals it is the threads' end that is waited for, and that sends none.
            switch Signals.wait(for: Server.signals, timeout: .milliseconds(100)) {
            case SIGTERM?, SIGINT?: return drain()
            // Its connections are in the log until they end.
            case SIGUSR1?: reopenLogs()
            default: break
            }
        }
        stop()
    }

    // MARK: - The new process

    /// Goes on with what the process before knew.
    func restoreState(from inheritance: Inheritance) {
        guard inheritance.predecessor != nil else { return }
        guard let state = inheritance.receiveState() else {
            log.warning("the process before told nothing: sessions that only it knew begin anew")
            return
        }
        state.restore(into: sessions, ticketKeys, now: Server.monotonicSeconds)
        health.inherit(state.backends)
        names.inherit(state.hosts)
        log.notice("taking over, with \(state.sessions.count) sessions")
    }

    /// What each worker is to do with the sockets that came with the start.
    func share(out inheritance: Inheritance) throws(ListenError) -> [ListeningShare] {
        do throws(SystemError) {
            let (shares, rest) = try inheritance.shared(out: running.listeners, to: workerCount)
            for socket in rest {
                log.warning(
                    "the socket at \(socket.address) was inherited, and nothing listens there")
                socket.close()
            }
            return shares.map { ListeningShare(inherited: $0) }
        } catch {
            throw ListenError(address: running.listeners[0], reason: "\(error)")
        }
    }

    /// The clock of the session table, as workers read it.
    private static var monotonicSeconds: UInt32 {
        UInt32(truncatingIfNeeded: MonotonicTime.now().nanoseconds / 1_000_000_000)
    }
}
