import Glibc
import Logging
import ProxyConfig
import ProxyCore
import StickyPolicy
import Synchronization
import Testing
import Transport

@testable import L7Proxy

/// The whole proxy, in this process, on a port that the kernel chose: what `l7proxy run` starts,
/// without its signals.
///
/// The ends that it hands out keep it alive, and it keeps its backends alive.
final class ProxyUnderTest: Sendable {
    let port: UInt16
    /// Nil without an admin listener.
    let adminPort: UInt16?
    private let server: Mutex<Server?>
    private let file: FileInMemory
    private let backends: [ScriptedBackend]

    /// - Parameters:
    ///   - file: the routes file, without listeners and workers.
    ///   - listener: keys of the listener besides its address, as `proxyProtocol: true`.
    ///   - admin: the value of this key.
    init(
        file text: String, workers: Int = 1, backends: [ScriptedBackend] = [],
        listener: String = "", admin: String = "off", observing records: Records? = nil,
        hosts: HostsInMemory = HostsInMemory()
    ) throws {
        let file = FileInMemory(text, workers: workers, listener: listener, admin: admin)
        self.file = file
        self.backends = backends
        let configuration = try #require(file.read())
        let server = try Server(
            configuration, source: { file.read() }, log: ProxyUnderTest.silentLog,
            lookup: hosts.lookup)
        if let records { server.onExchangeEnd = { records.add($0) } }
        let addresses: [ListenerAddress: SocketAddress]
        do {
            var nothing = Inheritance()
            if admin != "off" { try server.startAdmin(&nothing) }
            addresses = try server.start()
        } catch {
            server.stop()
            throw error
        }
        port = try #require(addresses.values.first?.port)
        adminPort = server.adminAddress?.port
        self.server = Mutex(server)
    }

    static var silentLog: Logger {
        var log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        log.logLevel = .critical
        return log
    }

    /// One route to these backends.
    ///
    /// - Parameters:
    ///   - annotations: of the route, as `affinity: cookie, ...`.
    ///   - settings: further lines of the file.
    convenience init(
        to backends: ScriptedBackend..., annotations: String = "", settings: String = "",
        workers: Int = 1, listener: String = "", admin: String = "off",
        observing records: Records? = nil
    ) throws {
        let addresses = backends.map { "\"\($0.address)\"" }.joined(separator: ", ")
        let file = """
            routes:
              - backends: [\(addresses)]
                annotations: {\(annotations)}
            \(settings)
            """
        try self.init(
            file: file, workers: workers, backends: backends, listener: listener, admin: admin,
            observing: records)
    }

    /// What a process is that takes the place of another: with its sockets and its file.
    init(takingOverFrom old: ProxyUnderTest, workers: Int) throws {
        file = FileInMemory(old.file, workers: workers)
        backends = old.backends
        let configuration = try #require(file.read())
        let file = file
        let server = try Server(
            configuration, source: { file.read() }, log: ProxyUnderTest.silentLog)
        var inheritance = Inheritance()
        inheritance.sockets = try #require(old.server.withLock { $0?.copyListeners() })
        let addresses = try server.start(inheritance)
        port = try #require(addresses.values.first?.port)
        adminPort = nil
        self.server = Mutex(server)
    }

    /// Does what a process does whose place another has taken, until its last connection ends.
    func finishAsReplaced() {
        server.withLock { server in
            server?.finishAsReplaced()
            server = nil
        }
    }

    deinit {
        stop()
    }

    /// Ends every worker, and with it every connection, and waits for it.
    func stop() {
        server.withLock { server in
            server?.stop()
            server = nil
        }
    }

    /// Does what TERM does, until every connection has ended or its time is up.
    func drain() {
        server.withLock { server in
            server?.drain()
            server = nil
        }
    }

    /// Puts another text in the place of the routes file, and tells nobody.
    func change(_ text: String) {
        file.replace(by: text)
    }

    /// Puts another text in the place of the routes file, and does what SIGHUP does.
    func reload(_ text: String) {
        file.replace(by: text)
        server.withLock { $0?.reload() }
    }

    /// What is in use.
    var snapshot: ConfigSnapshot? { server.withLock { $0?.status.current } }

    /// Does what the main thread does about host names, until something is so.
    func takeAnswers(until isSo: () throws -> Bool) throws {
        let end = MonotonicTime.now() + Wire.patience
        while try !isSo() {
            takeAnswers()
            guard MonotonicTime.now() < end else {
                throw WireError.late(waitingFor: "answers to names", received: "")
            }
            usleep(2_000)
        }
    }

    func takeAnswers() {
        server.withLock { $0?.takeAnswers() }
    }

    /// How long its main thread would sleep.
    func patience(atMost longest: Duration) -> Duration? {
        server.withLock { $0?.patience(atMost: longest) }
    }

    /// A configuration was read that waits for answers.
    var awaitsNames: Bool { server.withLock { $0?.awaitsNames ?? false } }

    /// What a backend has to do; nil for one that is not configured.
    func load(ofBackend backend: String, inService service: String) -> BackendLoad? {
        server.withLock { $0?.backendLoads.find(backend: backend, inService: service) }
    }

    /// Does what SIGUSR1 does.
    func reopenLogs() {
        server.withLock { $0?.reopenLogs() }
    }

    /// Does with the access log what a process does whose place another has taken.
    func followLogs() {
        server.withLock { $0?.followLogs() }
    }

    /// Lines of the access log that were not written, and never will be.
    var droppedLineCount: Int { server.withLock { $0?.droppedLineCount ?? 0 } }

    /// A new client connection.
    ///
    /// - Parameter receiveBuffer: bytes that the kernel may hold for this client; small ones show
    ///   who holds the rest.
    func connect(receiveBuffer: Int32? = nil) throws -> Wire {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw WireError.failed(call: "socket", code: errno) }
        let wire = Wire(adopting: descriptor, owner: self)
        if let receiveBuffer { wire.set(SO_RCVBUF, receiveBuffer) }
        try connectLoopback(descriptor, port: port)
        return wire
    }

    /// A new connection to the admin listener.
    func connectAdmin(sending text: String = "") throws -> Wire {
        let wire = try Wire(connectingTo: #require(adminPort), owner: self)
        try wire.send(text)
        return wire
    }

    /// Sends bytes on a new connection.
    func connect(sending text: String) throws -> Wire {
        let wire = try connect()
        try wire.send(text)
        return wire
    }

    /// One request on a connection of its own, and its answer.
    func exchange(_ request: String, _ rule: BodyRule = .byFields) throws -> Message {
        try connect(sending: request).readMessage(rule)
    }
}

/// A routes file that is only in memory.
private final class FileInMemory: Sendable {
    private let text: Mutex<String>
    private let workers: Int
    private let listener: String
    private let admin: String

    init(_ text: String, workers: Int, listener: String, admin: String) {
        self.admin = admin
        self.text = Mutex(text)
        self.workers = workers
        self.listener = listener
    }

    init(_ other: FileInMemory, workers: Int) {
        text = Mutex(other.text.withLock { $0 })
        self.workers = workers
        listener = other.listener
        admin = other.admin
    }

    func replace(by text: String) {
        self.text.withLock { $0 = text }
    }

    func read() -> Configuration? {
        let complete = """
            listeners: [{address: "127.0.0.1:0", \(listener)}]
            workers: \(workers)
            admin: \(admin)
            \(text.withLock { $0 })
            """
        let result = ConfigurationLoader.load([SourceFile(name: "routes.yaml", text: complete)])
        for diagnostic in result.diagnostics where diagnostic.severity == .error {
            Issue.record("\(diagnostic.rendered)")
        }
        return result.configuration
    }
}

/// Something that one thread waits for and another brings about.
final class Gate: Sendable {
    private let readEnd: Int32
    private let writeEnd: Mutex<Int32>

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw WireError.failed(call: "pipe", code: errno) }
        readEnd = ends[0]
        writeEnd = Mutex(ends[1])
    }

    deinit {
        open()
        close(readEnd)
    }

    func open() {
        writeEnd.withLock { end in
            if end >= 0 { close(end) }
            end = -1
        }
    }

    func wait() throws {
        guard waitForDescriptor(readEnd, POLLIN, within: Wire.patience) else {
            throw WireError.late(waitingFor: "a gate", received: "")
        }
    }
}
