import CLinux
import Glibc
import Testing

@testable import Transport

/// A handler that counts its calls and passes them on.
final class Recorder: ConnectionHandler {
    var readyCount = 0
    var deadlineCount = 0
    var onReady: (Connection) -> Void = { _ in }
    var onDeadline: (Connection) -> Void = { _ in }

    init() {
        // A connection does not keep its handler alive, and a test's variable dies after its last
        // use. The few recorders of a test run may stay.
        _ = unsafe Unmanaged.passRetained(self)
    }

    func connectionReady(_ connection: Connection) {
        readyCount += 1
        onReady(connection)
    }

    func connectionDeadlinePassed(_ connection: Connection) {
        deadlineCount += 1
        onDeadline(connection)
    }
}

/// A bare socket that no loop watches: the other side of what is tested.
final class Peer {
    var socket: Socket

    init(_ socket: consuming Socket) {
        self.socket = socket
    }

    var address: SocketAddress? { socket.localAddress }

    func write(_ text: String) -> IOResult { write(Array(text.utf8)) }

    func write(_ bytes: [UInt8]) -> IOResult {
        unsafe bytes.withUnsafeBytes { unsafe socket.write($0) }
    }

    /// What is there now, up to 64 KB; nil for an end.
    func readBytes() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        switch unsafe bytes.withUnsafeMutableBytes({ unsafe socket.read(into: $0) }) {
        case .bytes(let count): return Array(bytes.prefix(count))
        case .wouldBlock: return []
        case .endOfStream, .failed: return nil
        }
    }

    /// Waits for bytes, an end or a failure, and answers as `readBytes`.
    func nextText() -> String? {
        wait(for: POLLIN)
        return readBytes().map { String(decoding: $0, as: UTF8.self) }
    }

    /// Blocks until the socket is ready, at most five seconds.
    func wait(for event: Int32) {
        var entry = pollfd(fd: socket.descriptor, events: Int16(event), revents: 0)
        let count = unsafe poll(&entry, 1, 5_000)
        #expect(count == 1)
    }

    func accept() -> Peer {
        wait(for: POLLIN)
        let descriptor = clinux_accept(socket.descriptor, nil, nil)
        #expect(descriptor >= 0)
        return Peer(Socket(adopting: descriptor))
    }

    func close() {
        socket.close()
    }

    func reset() {
        socket.set(.resetOnClose)
        socket.close()
    }
}

/// A connection of a loop, what it reports, and the other end.
final class Piped {
    let loop: EventLoop
    let connection: Connection
    let recorder = Recorder()
    let peer: Peer

    /// Over TCP on the loopback, or over a UNIX-domain pair.
    init(on loop: EventLoop, tcp: Bool = true, options: [SocketOption] = []) throws {
        self.loop = loop
        let (near, far) = tcp ? try tcpPair() : try unixPair()
        peer = far
        for option in options { near.socket.set(option) }
        connection = try Connection.adopt(near.socket.duplicate(), loop: loop)
        near.close()
        connection.handler = recorder
    }

    /// Turns until the connection knows that there is something to receive.
    func waitUntilReadable() {
        turn(loop) { connection.isReadable }
    }
}

/// Turns until the condition holds. A test that waits in vain fails after five seconds.
func turn(
    _ loop: EventLoop, sourceLocation: SourceLocation = #_sourceLocation,
    until condition: () -> Bool
) {
    let end = MonotonicTime.now() + .seconds(5)
    while !condition() {
        guard MonotonicTime.now() < end else {
            Issue.record("the condition did not come true", sourceLocation: sourceLocation)
            return
        }
        loop.turn(waitingAtMost: .milliseconds(100))
    }
}

/// The loopback address of IPv4.
func loopback(port: UInt16 = 0) -> SocketAddress {
    SocketAddress(high: 0, low: 0xFFFF_7F00_0001, port: port)
}

/// The loopback address of IPv6.
func loopbackIPv6(port: UInt16 = 0) -> SocketAddress {
    SocketAddress(high: 0, low: 1, port: port)
}

/// A listening socket that no loop watches.
func openListening(at address: SocketAddress = loopback()) throws -> Peer {
    let peer = Peer(try Socket.open(for: address))
    try peer.socket.bind(to: address)
    let result = listen(peer.socket.descriptor, 16)
    try #require(result == 0)
    return peer
}

/// A socket that connects to the address: under way, or connected already.
func dial(_ address: SocketAddress) throws -> Peer {
    let peer = Peer(try Socket.open(for: address))
    _ = try peer.socket.connect(to: address)
    return peer
}

/// Two connected sockets.
func tcpPair() throws -> (Peer, Peer) {
    let listening = try openListening()
    let dialled = try dial(#require(listening.address))
    let accepted = listening.accept()
    dialled.wait(for: POLLOUT)
    return (accepted, dialled)
}

func unixPair() throws -> (Peer, Peer) {
    var pair: [Int32] = [-1, -1]
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let result = unsafe socketpair(AF_UNIX, type, 0, &pair)
    try #require(result == 0)
    return (Peer(Socket(adopting: pair[0])), Peer(Socket(adopting: pair[1])))
}

/// A name in the temporary folder that nothing has yet.
func temporaryPath() -> String {
    "/tmp/transport-\(getpid())-\(UInt64.random(in: 0 ... .max))"
}

extension Connection {
    /// One receive of at most `capacity` bytes.
    func receiveText(_ capacity: Int = 100) -> (result: IOResult, text: String) {
        var bytes = [UInt8](repeating: 0, count: capacity)
        let result = unsafe bytes.withUnsafeMutableBytes { unsafe receive(into: $0) }
        guard case .bytes(let count) = result else { return (result, "") }
        return (result, String(decoding: bytes.prefix(count), as: UTF8.self))
    }

    func send(_ text: String) -> SendResult {
        send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) -> SendResult {
        unsafe bytes.withUnsafeBytes { unsafe send($0) }
    }
}
