internal import CLinux
internal import Glibc

/// A bound address that accepts connections for one loop.
///
/// Each loop has its own (`SO_REUSEPORT`), and the kernel spreads connections among them. It is
/// watched level-triggered: what one turn leaves, the next one finds.
package final class Listener: EventSource {
    /// Takes what was accepted, with the peer's address; nil for a UNIX-domain peer.
    package var onAccept: ((consuming Socket, SocketAddress?) -> Void)?
    /// Asked before each accept; after a no, the listener rests a little and asks again. Who is not
    /// accepted waits in the kernel's queue.
    package var mayAccept: (() -> Bool)?
    /// Accepted in one turn at most. 64: a burst is served quickly, and those who are connected
    /// already wait less than a millisecond for it.
    package var acceptLimit = 64
    /// Connections that were closed at once because descriptors had run out.
    package private(set) var refusedCount = 0
    /// Told when descriptors have run out, and whether a connection was closed for it.
    package var onExhaustion: ((_ hasRefused: Bool) -> Void)?
    /// The owner wants no connections now.
    package private(set) var isPaused = false
    /// With an unset port, the one that the kernel chose.
    package let address: SocketAddress

    private let loop: EventLoop
    private var socket: Socket
    private var isWatched = true
    /// Closed to accept one connection when descriptors run out: without it the connection would
    /// stay in the queue, and its client would wait for nothing.
    private var reserve: Socket
    /// 4,096: the kernel's own bound (somaxconn). A shorter queue refuses bursts.
    private static let queueLength = 4_096
    /// 100 ms: long enough for descriptors to come free, short enough that few clients notice.
    private static let exhaustionPause: UInt64 = 100_000_000
    /// 10 ms: a place that another loop has freed is taken before a client would notice.
    private static let restPause: UInt64 = 10_000_000

    private init(
        _ socket: consuming Socket, at address: SocketAddress, loop: EventLoop
    ) throws(SystemError) {
        self.socket = socket
        self.address = address
        self.loop = loop
        reserve = Self.openReserve()
        super.init()
        try loop.register(self, descriptor: self.socket.descriptor, for: .readable)
    }

    /// Binds and listens.
    ///
    /// - Parameter options: Hold for the accepted connections too, by inheritance.
    package static func bind(
        to address: SocketAddress, loop: EventLoop, options: [SocketOption] = []
    ) throws(SystemError) -> Listener {
        let socket = try openBound(to: address)
        for option in options {
            if let error = socket.set(option) { throw error }
        }
        guard listen(socket.descriptor, Int32(queueLength)) == 0 else { throw .last("listen") }
        let bound = socket.localAddress ?? address
        return try Listener(socket, at: bound, loop: loop)
    }

    /// Throws when another process listens at an address.
    ///
    /// `bind` would not notice: listeners share their address, and the kernel lets every process of
    /// one user join in. Half of the clients would then get the other program's answers.
    package static func probe(_ address: SocketAddress) throws(SystemError) {
        guard address.path == nil, address.port != 0 else { return }
        let socket = try Socket.open(for: address)
        var options: [SocketOption] = [.reuseAddress]
        if !address.isIPv4 { options.append(.onlyIPv6) }
        for option in options {
            if let error = socket.set(option) { throw error }
        }
        try socket.bind(to: address)
    }

    /// Takes a socket that listens already, as one inherited from a predecessor. It is the
    /// listener's from now on, even if this fails.
    package static func adopt(
        _ inherited: InheritedSocket, loop: EventLoop
    ) throws(SystemError) -> Listener {
        try adopt(Socket(adopting: inherited.descriptor), loop: loop)
    }

    static func adopt(
        _ socket: consuming Socket, loop: EventLoop
    ) throws(SystemError) -> Listener {
        let flags = fcntl(socket.descriptor, F_GETFL)
        guard flags >= 0, fcntl(socket.descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw .last("fcntl")
        }
        guard let address = socket.localAddress else {
            throw SystemError(call: "getsockname", code: EINVAL)
        }
        // Whoever opened it may not have: what it accepts inherits this.
        if address.path == nil { socket.set(.noDelay) }
        return try Listener(socket, at: address, loop: loop)
    }

    /// Another descriptor of the listening socket: for another loop, where the address is a path,
    /// or for a successor.
    package func duplicate() throws(SystemError) -> Socket {
        try socket.duplicate()
    }

    /// The same for another process; nil when descriptors have run out.
    package func copyForSuccessor() -> InheritedSocket? {
        guard let copy = try? socket.duplicate() else { return nil }
        return InheritedSocket(copy.release())
    }

    /// Clients that wait in the kernel's queue. At a path it does not say how many: then as many as
    /// are accepted in a turn.
    package var waitingCount: Int {
        let count = Int(clinux_waiting_count(socket.descriptor))
        guard count < 0 else { return count }
        var entry = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&entry, 1, 0) > 0 ? acceptLimit : 0
    }

    /// Accepts nothing more. Clients wait in the kernel's queue.
    package func pause() {
        isPaused = true
        watch(false)
    }

    package func resume() {
        isPaused = false
        // After exhaustion, the deadline resumes.
        if deadlineTime == .distantFuture { watch(true) }
    }

    /// Stops listening. Clients in the kernel's queue are reset. A path stays in the file system.
    package func close() {
        guard socket.descriptor >= 0 else { return }
        // A duplicate would keep the kernel's registration alive, and its events nobody's.
        loop.unwatch(descriptor: socket.descriptor)
        loop.unregister(self)
        socket.close()
        reserve.close()
        onAccept = nil
        mayAccept = nil
        onExhaustion = nil
    }

    override func eventsArrived(_ events: ReadyEvents) {
        for _ in 0..<acceptLimit {
            guard isWatched else { return }
            guard mayAccept?() ?? true else { return rest(for: Self.restPause) }
            guard acceptOne() else { return }
        }
    }

    /// Accepts all that wait in the kernel's queue, as before a close that would reset them, and
    /// who comes meanwhile; but as a flood has no end, no more than twice what the queue holds.
    package func acceptRest() {
        for _ in 0..<2 * Self.queueLength {
            guard isWatched, acceptOne() else { return }
        }
    }

    override func deadlinePassed() {
        if reserve.descriptor < 0 { reserve = Self.openReserve() }
        if !isPaused { watch(true) }
    }

    private func watch(_ isWanted: Bool) {
        guard socket.descriptor >= 0, isWanted != isWatched else { return }
        isWatched = isWanted
        // Changing what is watched fails only for a descriptor that is not watched.
        try? loop.modify(self, descriptor: socket.descriptor, for: isWanted ? .readable : [])
    }
}

// Accepting.
extension Listener {
    /// False when there is nothing more to accept now.
    private func acceptOne() -> Bool {
        var storage = sockaddr_storage()
        var length = UInt32(MemoryLayout<sockaddr_storage>.size)
        // SAFETY: the kernel writes at most `length` bytes, which is the size of the storage.
        let descriptor = unsafe clinux_accept(socket.descriptor, &storage, &length)
        guard descriptor >= 0 else { return acceptFailed(.last("accept")) }
        let accepted = Socket(adopting: descriptor)
        let peer = SocketAddress(storage, length: length)
        onAccept?(accepted, peer?.path == nil ? peer : nil)
        return true
    }

    /// True when the next connection is worth a try.
    private func acceptFailed(_ error: SystemError) -> Bool {
        switch error.code {
        case EAGAIN:
            return false
        // accept(2): errors of one connection that came to nothing. The next may be sound.
        case EINTR, ECONNABORTED, ENETDOWN, EPROTO, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
            EOPNOTSUPP, ENETUNREACH, EPERM, ETIMEDOUT:
            return true
        default:
            if error.code == EMFILE || error.code == ENFILE {
                let before = refusedCount
                refuseOne()
                onExhaustion?(refusedCount > before)
            }
            // Level-triggered, an exhausted process would spin on the connection it cannot take.
            rest(for: Self.exhaustionPause)
            return false
        }
    }

    private func rest(for nanoseconds: UInt64) {
        watch(false)
        loop.setDeadline(loop.now.advanced(byNanoseconds: nanoseconds), of: self)
    }

    private func refuseOne() {
        guard reserve.descriptor >= 0 else { return }
        reserve.close()
        let descriptor = clinux_accept(socket.descriptor, nil, nil)
        if descriptor >= 0 {
            let refused = Socket(adopting: descriptor)
            // Without lingering state: it would hold memory that is short just now.
            refused.set(.resetOnClose)
            refusedCount += 1
        }
        reserve = Self.openReserve()
    }

    /// Any descriptor will do. A failure leaves -1 and costs only the courtesy.
    static func openReserve() -> Socket {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        return Socket(adopting: Glibc.socket(AF_UNIX, kind, 0))
    }
}

// Binding.
extension Listener {
    private static func openBound(to address: SocketAddress) throws(SystemError) -> Socket {
        let socket = try Socket.open(for: address)
        if let path = address.path {
            try bindPath(socket, to: address, path)
            return socket
        }
        var options: [SocketOption] = [.reuseAddress, .reusePort, .noDelay]
        if !address.isIPv4 { options.append(.onlyIPv6) }
        for option in options {
            if let error = socket.set(option) { throw error }
        }
        try socket.bind(to: address)
        return socket
    }

    /// A socket file outlives its process. One that nobody answers at is removed; one that is in
    /// use, and anything that is no socket, is left alone.
    private static func bindPath(
        _ socket: borrowing Socket, to address: SocketAddress, _ path: String
    ) throws(SystemError) {
        do throws(SystemError) {
            try socket.bind(to: address)
        } catch {
            guard error.code == EADDRINUSE, try isStale(address) else { throw error }
            // SAFETY: the string is lent for the time of the call.
            guard unsafe unlink(path) == 0 else { throw .last("unlink") }
            try socket.bind(to: address)
        }
    }

    /// A connection to a file that is no socket is refused too, but by another number.
    private static func isStale(_ address: SocketAddress) throws(SystemError) -> Bool {
        let probe = try Socket.open(for: address)
        do throws(SystemError) {
            _ = try probe.connect(to: address)
            return false
        } catch {
            return error.code == ECONNREFUSED && isSocketFile(address)
        }
    }

    private static func isSocketFile(_ address: SocketAddress) -> Bool {
        var status = stat()
        guard let path = address.path, unsafe lstat(path, &status) == 0 else { return false }
        return status.st_mode & S_IFMT == S_IFSOCK
    }
}
