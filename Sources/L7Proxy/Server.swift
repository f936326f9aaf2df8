import Glibc
import Logging
import ProxyConfig
import ProxyCore
import StickyPolicy
import Transport

/// The process: starts the workers, waits for signals, and passes on what they mean. It runs on the
/// main thread and touches no connection.
final class Server {
    /// Where the configuration comes from; called again at every reload.
    typealias ConfigurationReader = () -> Configuration?

    private let source: ConfigurationReader
    let log: Logger
    let admission: Admission
    /// What `ulimit -n` allows, and how many were open at the start.
    var descriptors = (limit: 0, open: 0)
    private var resources: RouteAffinity.Resources
    let health: HealthBoard
    private let prober: HealthProber
    private var tls: TLSContexts
    /// They outlive reloads, and so do the tickets.
    let ticketKeys = TLSTicketKeys()
    private(set) var workers: [WorkerThread] = []
    let status: ProcessStatus
    let admin: AdminServer
    private let accessLog: AccessLog
    /// Who wants to know how the process is doing.
    var serviceManager = ServiceManager()
    /// How the process that is to take this one's place is started; nil where it cannot be.
    var successorArguments: [String]?
    var pidFile: PIDFile?

    /// The first is the text and the tree of the routes file, which are free by then.
    private var retired = RetiredConfigurations()

    /// Told of every exchange, on the threads of the workers; for tests.
    var onExchangeEnd: (@Sendable (ExchangeRecord) -> Void)?

    /// Ten seconds, in which the log says what it has left out.
    private static let tick = Duration.seconds(10)
    static let signals = [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, answerSignal]

    /// - Parameter outlet: where the log goes to.
    init(
        _ configuration: Configuration, source: @escaping ConfigurationReader, log: Logger,
        outlet: LogOutlet = LogOutlet(), lookup: @escaping NameResolver.Lookup = NameResolver.system
    ) throws(UnusableConfiguration) {
        self.source = source
        self.log = log
        admission = Admission(log: log)
        accessLog = try AccessLog(log: log)
        health = HealthBoard(log: log)
        prober = HealthProber(board: health, log: log)
        let sessions = SessionTable(
            limit: configuration.sessionLimit,
            seed: SessionTable.HashSeed(.random(in: .min ... .max), .random(in: .min ... .max)))
        resources = RouteAffinity.Resources(
            authenticator: try CookieKeys.authenticator(for: configuration.cookieKeys),
            sessions: sessions, loads: BackendLoads())
        tls = try TLSContexts(
            configuration, ticketKeys: ticketKeys, at: WallClock.unixSeconds())
        running = configuration
        written = configuration
        self.sessions = sessions
        do throws(SystemError) {
            names = try NameResolver(log: log, lookup: lookup)
        } catch {
            throw UnusableConfiguration(description: "\(error)")
        }
        status = ProcessStatus(
            admission: admission, sessions: sessions, health: health,
            logs: ProcessStatus.Logs(access: accessLog, errors: outlet))
        status.watch(names)
        admin = AdminServer(AdminAnswers(status: status), log: log)
    }

    /// What backends have to do, whatever configuration gave it to them.
    var backendLoads: BackendLoads { resources.loads }

    /// Where the admin listener is; nil where there is none.
    var adminAddress: SocketAddress? { admin.address }

    /// Clients that are connected now.
    var connectionCount: Int { admission.connectionCount }

    private func warnAboutCertificates() {
        for warning in tls.warnings { log.warning("\(warning)") }
    }

    /// Told who is to be woken when names have other addresses; for `run`.
    func wakeForAnswers() {
        names.tell { kill(getpid(), Server.answerSignal) }
    }

    private(set) var running: Configuration
    /// As it was read: `running` has the backends, too, that its host names stand for.
    private(set) var written: Configuration
    let names: NameResolver
    var awaited: AwaitedConfiguration?
    var answersTakenAt = MonotonicTime(nanoseconds: 0)
    /// They came sooner after the last than they are taken.
    var hasUntakenAnswers = false
    let sessions: SessionTable

    /// Starts all workers.
    ///
    /// - Parameter inheritance: sockets that are open already, and who served at them until now.
    /// - Returns: where they listen, with the ports that the kernel chose.
    func start(
        _ inheritance: Inheritance = Inheritance()
    ) throws(ListenError) -> [ListenerAddress: SocketAddress] {
        Signals.block(Server.signals)
        Signals.ignoreBrokenPipe()
        adoptLimits(isFirst: true)
        warnAboutCertificates()
        let shares = try share(out: inheritance)
        for address in running.listeners where shares[0].inherited[address] == nil {
            try Server.probe(address)
        }
        restoreState(from: inheritance)
        resolveNames()
        running = written.resolved(with: names.answers)
        let snapshot = ConfigSnapshot(running, resources: resources, health: health, tls: tls)
        prober.check(HealthTarget.all(in: snapshot))
        var bound: [ListenerAddress: SocketAddress] = [:]
        accessLog.adopt(running.accessLog)
        for (number, var listening) in shares.enumerated() {
            let share = WorkerShare(
                admission: admission, log: log, logFeed: accessLog.makeFeed(),
                onExchangeEnd: onExchangeEnd)
            let worker = WorkerThread(number: number, share: share)
            workers.append(worker)
            // One after the other: the first finds the ports that the others share.
            listening.resolved = bound
            listening.bindsPaths = number == 0
            bound.merge(try worker.start(snapshot, listening)) { first, _ in first }
        }
        status.adopt(snapshot)
        status.watch(workers.map(\.share.counters))
        admission.register(
            workers.map { worker in
                let orders = worker.share.orders
                return { orders.put(.makeRoom($0)) }
            })
        health.tell(
            workers.map { worker in
                let orders = worker.share.orders
                return { orders.put(.lookAtTunnels) }
            })
        inheritance.announce()
        status.enter(.ready)
        return bound
    }

    private static func probe(_ address: ListenerAddress) throws(ListenError) {
        guard let socketAddress = address.socketAddress else { return }
        do throws(SystemError) {
            try Listener.probe(socketAddress)
        } catch {
            throw ListenError(address: address, reason: "\(error)")
        }
    }

    var workerCount: Int {
        switch running.workers {
        case .automatic: Processors.usableCount()
        case .exactly(let count): count
        }
    }

    /// Serves until a signal ends it. The first TERM or INT drains, a second one stops at once.
    func run() {
        wakeForAnswers()
        // What came before somebody was to be told.
        takeAnswers()
        while true {
            let signal = Signals.wait(
                for: Server.signals, timeout: patience(atMost: Server.tick))
            switch signal {
            case nil: tidy()
            case Server.answerSignal: takeAnswers()
            case SIGHUP: reload()
            case SIGUSR1: reopenLogs()
            case SIGTERM, SIGINT:
                drain()
                return
            case SIGUSR2:
                switch replace() {
                case .failed: break
                case .replaced: return finishAsReplaced()
                case .toldToStop: return drain()
                }
            default: break
            }
        }
    }

    /// What can wait until there is nothing else to do.
    private func tidy() {
        status.logs.errors.sayLeftOut()
        retired.clear()
        takeAnswers()
    }

    /// Lines of the access log that were lost, since the start.
    var droppedLineCount: Int { accessLog.droppedCount }

    /// What the access log went to was renamed: the next line goes to a new file.
    func reopenLogs() {
        accessLog.reopen()
        log.notice("logs reopened")
    }

    /// Another process has this one's place: who rotates logs knows of that one alone.
    func followLogs() {
        accessLog.follow()
    }

    /// Opens the admin listener, which may answer before the workers listen.
    func startAdmin(_ inheritance: inout Inheritance) throws(AdminFailure) {
        // Before its thread: one that does not hold them back is who the kernel gives them to
        // while nobody waits for them, and they end the process.
        Signals.block(Server.signals)
        Signals.ignoreBrokenPipe()
        // Until then the process before serves: nobody is to think otherwise.
        if inheritance.predecessor != nil { status.enter(.ready) }
        let socket = inheritance.takeSocket(
            at: running.admin.address, besides: running.listeners)
        try admin.adopt(running.admin, socket)
    }

    /// Ends everything at once and waits for it.
    func stop() {
        defer { admin.stop() }
        prober.stop()
        names.stop()
        for worker in workers { worker.share.orders.put(.stop) }
        for worker in workers { worker.join() }
        workers = []
        accessLog.stop()
    }

    /// Reads the configuration again. One that is not good changes nothing.
    func reload() {
        serviceManager.reloading("reading the configuration")
        awaited = nil
        // What stands beside the new one while that is read is memory that nobody needs.
        retired.clear()
        guard let configuration = source() else {
            return refuseReload("; the running one stays")
        }
        let hosts = configuration.hostNames
        names.look(up: hosts.union(written.hostNames), every: configuration.resolverInterval)
        if names.haveBeenTried(hosts) { return adopt(configuration) }
        log.notice("the configuration has new host names, which are looked up first")
        awaited = AwaitedConfiguration(
            configuration: configuration, hosts: hosts, end: .now() + Server.nameLimit)
    }

    /// Takes a configuration into use that was read, or nothing of it.
    func adopt(_ configuration: Configuration) {
        let resources: RouteAffinity.Resources
        let tls: TLSContexts
        do throws(UnusableConfiguration) {
            resources = RouteAffinity.Resources(
                authenticator: try CookieKeys.authenticator(for: configuration.cookieKeys),
                sessions: sessions, loads: self.resources.loads)
            tls = try TLSContexts(
                configuration, after: self.tls, ticketKeys: ticketKeys,
                at: WallClock.unixSeconds())
        } catch {
            return refuseReload(": \(error)")
        }
        do throws(ListenError) {
            for address in configuration.listeners where !running.listeners.contains(address) {
                try Server.probe(address)
            }
        } catch {
            return refuseReload(": \(error)")
        }
        do throws(AdminFailure) {
            // The last that can fail: from here on everything is taken into use.
            try admin.adopt(configuration.admin)
        } catch {
            return refuseReload(": \(error)")
        }
        warnAboutWhatNeedsARestart(configuration)
        (written, self.resources, self.tls) = (configuration, resources, tls)
        warnAboutCertificates()
        takeIntoUse(configuration.resolved(with: names.answers))
        status.reloadSucceeded()
        log.notice("configuration reloaded: \(configuration.routes.count) routes")
        concludeReload()
    }

    /// Hands everybody a configuration in which every host name is resolved.
    func takeIntoUse(_ configuration: Configuration) {
        var configuration = configuration
        // Shares of limits are for the workers that there are, until a restart.
        configuration.workers = running.workers
        running = configuration
        adoptLimits()
        let snapshot = ConfigSnapshot(
            configuration, resources: resources, health: health, tls: tls)
        prober.check(HealthTarget.all(in: snapshot))
        let tally = ReloadTally(from: workers.count)
        for worker in workers { worker.share.orders.put(.adopt(snapshot, tally)) }
        accessLog.adopt(configuration.accessLog)
        if let before = status.current { retired.add(before) }
        status.adopt(snapshot)
    }

    private func refuseReload(_ reason: String) {
        status.reloadFailed()
        log.error("the configuration was not reloaded\(reason)")
        concludeReload()
    }

    private func concludeReload() {
        // Not those of a configuration that was refused.
        names.look(up: written.hostNames, every: written.resolverInterval)
        serviceManager.ready("\(running.routes.count) routes")
    }

    /// Ends everything in its time: waits for `preStop`, closes the listeners, lets what is in
    /// flight finish within `drain`, and stops.
    func drain() {
        serviceManager.stopping("draining")
        // What else there may be to tell would sound as if it went on.
        serviceManager = ServiceManager()
        let hasListeners = status.phase == .ready
        status.enter(.draining)
        if hasListeners { waitBeforeStop() }
        let limit = running.timeouts.drain
        log.notice("draining for at most \(limit)")
        for worker in workers { worker.share.orders.put(.drain(within: limit)) }
        let end = MonotonicTime.now() + limit
        while !workers.allSatisfy(\.share.hasEnded), MonotonicTime.now() < end {
            // The threads end without a signal: look often enough that nobody waits for us.
            let awaited = [SIGTERM, SIGINT, SIGUSR1]
            let signal = Signals.wait(for: awaited, timeout: .milliseconds(20))
            if signal == SIGUSR1 { reopenLogs() } else if signal != nil { break }
        }
        let left = connectionCount
        if left > 0 { log.notice("\(left) connections are cut") }
        stop()
    }

    /// Serves on, so that whoever sends us connections can learn that it should not, and by what
    /// the file says meanwhile: backends come and go in that time, too. A second signal ends it.
    private func waitBeforeStop() {
        let time = running.timeouts.preStop
        guard time > .zero else { return }
        log.notice("stopping; the listeners close in \(time)")
        let end = MonotonicTime.now() + time
        while true {
            let rest = end - .now()
            guard rest > .zero else { return }
            switch Signals.wait(for: Server.signals, timeout: patience(atMost: rest)) {
            case SIGTERM?, SIGINT?: return
            case SIGHUP?: reload()
            case SIGUSR1?: reopenLogs()
            case SIGUSR2?:
                log.error("this process cannot be replaced: it is stopping")
                // Written again: whoever waits for another number learns that none comes.
                pidFile?.write(log)
            default: takeAnswers()
            }
        }
    }

    private func warnAboutWhatNeedsARestart(_ configuration: Configuration) {
        if configuration.workers != running.workers {
            log.warning("workers has changed; it takes a restart to follow")
        }
        if configuration.sessionLimit != running.sessionLimit {
            log.warning("sessionLimit has changed; it takes a restart to follow")
        }
    }
}
