import Glibc
import Synchronization
import Transport

/// A backend that does what a test tells it: a real listening socket, a thread for each
/// connection, and a record of every byte that reached it.
final class ScriptedBackend: Sendable {
    /// What is done with one connection, the first being number 0. Returning closes it.
    typealias Script = @Sendable (Wire, Int) throws -> Void

    let port: UInt16
    private let listening: Int32
    private let connections: Connections
    private let accepting: Mutex<Transport.Thread?>

    /// Answers every request in the same way, for as long as the connection lasts.
    static func answering(_ response: String = ok()) -> Script {
        { wire, _ in
            while try wire.readMessageIfAny() != nil { try wire.send(response) }
        }
    }

    /// - Parameters:
    ///   - host: the last byte of its address, 127.0.0.1 and so on.
    ///   - wanted: its port; 0 for one that the kernel chooses.
    init(
        host: UInt8 = 1, port wanted: UInt16 = 0,
        _ script: @escaping Script = ScriptedBackend.answering()
    ) throws {
        let (listening, port) = try openLoopbackListener(backlog: 128, host: host, port: wanted)
        let connections = Connections(script)
        self.listening = listening
        self.port = port
        self.connections = connections
        // No thread holds this object: the last one to let go of it would have to join itself.
        let thread = try startThread(name: "backend") {
            while waitForDescriptor(listening, POLLIN, within: .seconds(3600)) {
                let descriptor = accept(listening, nil, nil)
                guard descriptor >= 0 else { return }
                connections.begin(Wire(adopting: descriptor))
            }
        }
        accepting = Mutex(thread)
    }

    deinit {
        stop()
        close(listening)
    }

    // MARK: - What happened

    var connectionCount: Int { connections.wires.count }

    /// All bytes of each connection, in the order of their accepting.
    var received: [String] { connections.wires.map(\.receivedText) }

    /// The messages of all connections.
    var requests: [Message] { connections.wires.flatMap(\.messages) }

    /// Waits that came to nothing inside scripts.
    var failures: [String] { connections.failures }

    var address: String { "127.0.0.1:\(port)" }

    // MARK: - Ending

    /// No new connection comes: the port refuses. Those that are there go on.
    func refuseFromNowOn() {
        guard let thread = accepting.withLock({ $0.take() }) else { return }
        _ = shutdown(listening, Int32(SHUT_RDWR))
        thread.join()
    }

    /// Waits until every script is done, which the end of every connection brings about, and takes
    /// in what has come until now.
    func finish() {
        // A connection that nobody has accepted yet may carry what the test is looking for.
        while waitForDescriptor(listening, POLLIN, within: .zero), isAccepting {
            sched_yield()
        }
        refuseFromNowOn()
        connections.join()
    }

    private var isAccepting: Bool { accepting.withLock { $0 != nil } }

    /// Ends every connection and waits for every thread.
    func stop() {
        refuseFromNowOn()
        for wire in connections.wires { wire.interrupt() }
        connections.join()
    }
}

/// The connections of one backend and the threads that run its script.
private final class Connections: Sendable {
    private struct State {
        var wires: [Wire] = []
        var threads: [Transport.Thread] = []
        var failures: [String] = []
    }

    private let script: ScriptedBackend.Script
    private let state = Mutex(State())

    init(_ script: @escaping ScriptedBackend.Script) {
        self.script = script
    }

    var wires: [Wire] { state.withLock { $0.wires } }
    var failures: [String] { state.withLock { $0.failures } }

    func begin(_ wire: Wire) {
        let number = state.withLock { state in
            state.wires.append(wire)
            return state.wires.count - 1
        }
        do {
            let thread = try startThread(name: "script") { self.run(wire, number) }
            state.withLock { $0.threads.append(thread) }
        } catch {
            state.withLock { $0.failures.append("connection \(number): \(error)") }
        }
    }

    private func run(_ wire: Wire, _ number: Int) {
        do {
            try script(wire, number)
        } catch {
            state.withLock { $0.failures.append("connection \(number): \(error)") }
            // What reaches a backend is of interest even where nobody expected it.
            _ = try? wire.readToEnd()
        }
        wire.close()
    }

    func join() {
        while let thread = state.withLock({ $0.threads.popLast() }) { thread.join() }
    }
}

/// Opens a listening socket at a port that the kernel chooses.
func openLoopbackListener(
    backlog: Int32, host: UInt8 = 1, port: UInt16 = 0
) throws -> (descriptor: Int32, port: UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw WireError.failed(call: "socket", code: errno) }
    var address = loopbackAddress(host: host, port: port)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    // SAFETY: the kernel reads and writes one `sockaddr_in`, which is what the pointer shows and
    // the length says.
    let code = unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
            guard unsafe bind(descriptor, pointer, length) == 0, listen(descriptor, backlog) == 0
            else { return Int32(-1) }
            return unsafe getsockname(descriptor, pointer, &length)
        }
    }
    guard code == 0 else { throw WireError.failed(call: "bind", code: errno) }
    return (descriptor, UInt16(bigEndian: address.sin_port))
}

func loopbackAddress(host: UInt8 = 1, port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = (UInt32(0x7F00_0000) | UInt32(host)).bigEndian
    return address
}
