import ArgumentParser
import Glibc
import Logging
import ProxyConfig
import StickyPolicy
import Transport

/// `l7proxy run`: serve until a signal ends it.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Serve the routes file until told to stop.",
        discussion: """
            TERM and INT drain: no new connections, what is in flight is finished; a second one \
            stops at once. HUP reads the routes file again. USR1 opens the access log anew. USR2 \
            starts the program anew on the same sockets, and the old process finishes what it \
            has. Exits with 78 when the routes file is bad at the start, 69 when an address \
            cannot be bound.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(
        help: ArgumentHelp(
            "Listen here instead of where the file says; may be repeated.", valueName: "address"))
    var listen: [String] = []

    @Option(help: ArgumentHelp("Event loops; default: one a usable CPU.", valueName: "count"))
    var workers: Int?

    @Option(
        help: ArgumentHelp(
            "The admin listener's address instead of the file's, or off.", valueName: "address"))
    var admin: String?

    @Option(
        help: ArgumentHelp(
            "Write the number of the process that serves here.", valueName: "path"))
    var pidFile: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel = "info"

    mutating func validate() throws {
        if let workers, workers < 1 || workers > 1024 {
            throw ValidationError("--workers takes a number from 1 to 1024, not \(workers).")
        }
        for address in listen where ListenerAddress(text: address) == nil {
            throw ValidationError(
                "--listen takes 0.0.0.0:8080, [::]:8080 or unix:/path, not \(address).")
        }
        if Logger.Level(rawValue: logLevel) == nil {
            let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--log-level takes one of \(levels), not \(logLevel).")
        }
        if let admin, admin != "off", ListenerAddress(text: admin) == nil {
            throw ValidationError(
                "--admin takes 127.0.0.1:9901, unix:/path or off, not \(admin).")
        }
    }

    func run() throws {
        Descriptors.occupyStandardStreams()
        var inheritance = Inheritance.take()
        let outlet = LogOutlet()
        defer { outlet.sayLeftOut(all: true) }
        let log = StandardErrorLog.makeLogger(
            level: Logger.Level(rawValue: logLevel) ?? .info, outlet: outlet)
        let watched = WatchedFiles()
        let server = try makeServer(noting: watched, log, outlet)
        server.serviceManager = ServiceManager.own
        server.pidFile = pidFile.map { PIDFile(path: $0) }
        // Standard input has been read.
        if options.config != "-" { server.successorArguments = CommandLine.arguments }
        do throws(AdminFailure) {
            try server.startAdmin(&inheritance)
        } catch {
            log.error("\(error)")
            throw ExitStatus.unavailable
        }
        if let address = server.adminAddress { log.notice("admin listener on \(address)") }
        try start(server, inheritance, log)
        ConfigurationWatcher.start(path: options.config, watched: watched, log: log)
        server.run()
        server.pidFile?.remove()
        log.notice("stopped")
    }

    /// The first configuration is the server's alone, which lets go of it at a reload.
    private func makeServer(
        noting watched: WatchedFiles, _ log: Logger, _ outlet: LogOutlet
    ) throws -> Server {
        var reading = options.reading.reading(options.config)
        reading.watched = watched
        guard let configuration = read(reading) else { throw ExitStatus.badConfiguration }
        // The text of a large file and the tree of it are freed, in pieces smaller than the tables
        // that are made next.
        ProcessMemory.trim()
        reading.isFirst = false
        // Clients are served meanwhile, and signals wait: a second for a reader of the log.
        reading.report = { outlet.write($0, patience: .seconds(1)) }
        do throws(UnusableConfiguration) {
            return try Server(
                configuration, source: { [reading] in readAgain(reading, log) }, log: log,
                outlet: outlet)
        } catch {
            log.error("\(error)")
            throw ExitStatus.badConfiguration
        }
    }

    private func start(_ server: Server, _ inheritance: Inheritance, _ log: Logger) throws {
        do throws(ListenError) {
            let addresses = try server.start(inheritance)
            let places = addresses.values.map { "\($0)" }.sorted().joined(separator: ", ")
            server.pidFile?.write(log)
            log.notice("ready, listening on \(places)")
            server.serviceManager.ready("listening on \(places)")
        } catch {
            log.error("\(error)")
            server.stop()
            throw ExitStatus.unavailable
        }
    }

    private func readAgain(_ reading: ConfigurationReading, _ log: Logger) -> Configuration? {
        guard options.config != "-" else {
            log.error("standard input cannot be read a second time")
            return nil
        }
        return read(reading)
    }

    /// The routes file, with what the command line says instead.
    private func read(_ reading: ConfigurationReading) -> Configuration? {
        guard var configuration = reading.read() else { return nil }
        if !listen.isEmpty {
            configuration.listeners = listen.compactMap(ListenerAddress.init(text:))
        }
        if let workers { configuration.workers = .exactly(workers) }
        if admin == "off" { configuration.admin = .off }
        if let address = admin.flatMap(ListenerAddress.init(text:)) {
            configuration.admin = .at(address, tokenFile: configuration.admin.tokenFile)
            if let fault = configuration.admin.fault {
                reading.report("error: \(fault)\n")
                return nil
            }
        }
        return configuration
    }
}
