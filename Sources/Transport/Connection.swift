import CLinux

/// Whom a connection tells. One object may be the handler of several connections.
package protocol ConnectionHandler: AnyObject {
    /// Something became possible: there are bytes or room, it has connected or failed to, or the
    /// peer has closed. The handler looks at the connection's flags and drives it.
    func connectionReady(_ connection: Connection)
    /// `connection.deadline` has passed, and is nil now.
    func connectionDeadlinePassed(_ connection: Connection)
}

/// One byte pipe to a peer: a socket, what is known of its readiness, bytes that wait on either
/// side, one deadline.
///
/// The kernel tells changes only (edge-triggered). So `isReadable` and `isWritable` remember what
/// it said until a call comes short: a receive that fills less than its space has emptied the
/// socket, and costs no second call to find that out.
///
/// Idle it holds no buffer. It is watched, and kept alive by its loop, until `close` or `reset`.
package final class Connection: EventSource {
    package let loop: EventLoop
    private(set) var socket: Socket
    // SAFETY: whoever sets the handler keeps it alive until it sets another or nil, or closes the
    // connection, which sets nil. A strong reference would tie both in a circle, a weak one costs
    // 40 % of the path.
    @usableFromInline
    unowned(unsafe) var unretainedHandler: (any ConnectionHandler)?

    /// The connection is under way; what is sent meanwhile waits.
    package internal(set) var isConnecting: Bool
    /// There may be bytes, an end or a failure to receive.
    package internal(set) var isReadable = false
    /// The kernel may have room.
    package internal(set) var isWritable = false
    /// The peer sends nothing more. What it sent before may still wait to be received; when it
    /// has been, `receive` answers `endOfStream`.
    package internal(set) var peerHasClosed = false
    /// Both directions are at their end: the peer has reset, or has closed after we did.
    package internal(set) var isHungUp = false
    /// `finishSending` was called. Nothing can be sent after it.
    package internal(set) var hasFinishedSending = false
    private var mustShutDown = false
    @usableFromInline package internal(set) var errorCode: Int32 = 0
    private var unsent = ByteQueue()
    private var held = ByteQueue()
    /// Non-nil exactly when the bytes on the socket are TLS records. What is sent and received here
    /// is what stands in them.
    package internal(set) var tls: TLSSession?

    private init(_ socket: consuming Socket, isConnecting: Bool, loop: EventLoop) {
        self.socket = socket
        self.isConnecting = isConnecting
        self.loop = loop
    }

    /// Watches a socket that is connected already, as a listener gives it. The first call of the
    /// handler comes in a later turn.
    package static func adopt(
        _ socket: consuming Socket, loop: EventLoop
    ) throws(SystemError) -> Connection {
        let connection = Connection(socket, isConnecting: false, loop: loop)
        // A new socket has room to send, and so the event that says it needs no call of its own.
        connection.isWritable = true
        try connection.register()
        return connection
    }

    /// Begins to connect. `isConnecting` until the handler is called; then `error` says whether it
    /// failed.
    ///
    /// - Parameter source: The local address to come from; its port is 0 as a rule.
    /// - Throws: What is known to fail at once: no route, no descriptor, no free port.
    package static func connect(
        to address: SocketAddress, from source: SocketAddress? = nil, loop: EventLoop
    ) throws(SystemError) -> Connection {
        let socket = try Socket.open(for: address)
        if address.path == nil { socket.set(.noDelay) }
        if let source {
            if source.port == 0 { socket.set(.bindAddressOnly) }
            try socket.bind(to: source)
        }
        // Connected at once, as UNIX-domain sockets are, is told by an event like all others.
        _ = try socket.connect(to: address)
        let connection = Connection(socket, isConnecting: true, loop: loop)
        try connection.register()
        return connection
    }

    private func register() throws(SystemError) {
        try loop.register(
            self, descriptor: socket.descriptor, for: [.readable, .writable, .peerClosed, .edge])
    }

    /// Whom to tell; nil for nobody. See the safety comment above: it is not kept alive here.
    @inlinable
    package var handler: (any ConnectionHandler)? {
        // SAFETY: alive by the rule at its declaration.
        get { unsafe unretainedHandler }
        set { unsafe unretainedHandler = newValue }
    }

    package var isOpen: Bool { socket.descriptor >= 0 }

    /// Why the connection could not be made, or what broke it later.
    package var error: SystemError? {
        errorCode == 0 ? nil : SystemError(call: "connection", code: errorCode)
    }

    /// Whether there is an `error`.
    @inlinable package var hasFailed: Bool { errorCode != 0 }

    /// Asked of the kernel each time; nil for a UNIX-domain peer and when the peer has gone.
    package var peer: SocketAddress? {
        guard let address = socket.peerAddress, address.path == nil else { return nil }
        return address
    }

    package var localAddress: SocketAddress? { socket.localAddress }

    @discardableResult
    package func set(_ option: SocketOption) -> SystemError? { socket.set(option) }

    /// When `connectionDeadlinePassed` is due, at most 9 ms late; nil for never.
    ///
    /// Moving it back is free, so set it with every event.
    package var deadline: MonotonicTime? {
        get { deadlineTime == .distantFuture ? nil : deadlineTime }
        set { loop.setDeadline(newValue ?? .distantFuture, of: self) }
    }

    /// Closes at once; unsent bytes are discarded. The handler is called no more, also for events
    /// of this turn. The object stays until the turn's end. Closing twice is allowed.
    package func close() {
        guard isOpen else { return }
        // A farewell behind an incomplete message would make it look whole.
        if let tls, !hasUnsentBytes, !isConnecting, errorCode == 0 { _ = tls.sayFarewell() }
        discard()
    }

    private func discard() {
        tls = nil
        loop.unregister(self)
        socket.close()
        unsent.removeAll(to: loop.buffers)
        held.removeAll(to: loop.buffers)
        handler = nil
        isConnecting = false
        isReadable = false
        isWritable = false
    }

    /// Closes so that the peer sees a failure and not an end.
    package func reset() {
        guard isOpen else { return }
        socket.set(.resetOnClose)
        discard()
    }

    override func eventsArrived(_ events: ReadyEvents) {
        guard note(events) else { return }
        handler?.connectionReady(self)
    }

    override func handshakeGranted() {
        takeHandshakeStep()
    }

    override func deadlinePassed() {
        handler?.connectionDeadlinePassed(self)
    }

    /// False when the handler learns nothing from these events.
    private func note(_ events: ReadyEvents) -> Bool {
        let hasFailed = !events.isDisjoint(with: [.error, .hungUp])
        if let tls, tls.isAttached { noteBelow(tls, events, hasFailed: hasFailed) }
        if isConnecting { return noteConnected(events, hasFailed: hasFailed) }
        let isNews = events != [.writable] || !isWritable
        if hasFailed || !events.isDisjoint(with: [.readable, .peerClosed]) { isReadable = true }
        // The error stays in the kernel for the next receive or send: taken out here, a reset
        // would afterwards look like an orderly end.
        if events.contains(.writable) || hasFailed { isWritable = true }
        if events.contains(.peerClosed) { peerHasClosed = true }
        if hasFailed { isHungUp = true }
        return isNews
    }

    private func noteConnected(_ events: ReadyEvents, hasFailed: Bool) -> Bool {
        if let tls, tls.isAttached {
            loop.queueHandshake(of: self)
            return false
        }
        guard hasFailed || events.contains(.writable) else { return false }
        isConnecting = false
        guard hasFailed else {
            if tls != nil { return beginHandshake() }
            return note(events)
        }
        isHungUp = true
        let code = socket.pendingErrorCode
        // A peer that accepted, sent and closed within this turn hangs up without an error.
        guard code == 0 else {
            errorCode = code
            return true
        }
        return tls == nil ? note(events) : beginHandshake()
    }
}

// Receiving.
extension Connection {
    /// One receive. Answers `wouldBlock` without a call when nothing is known to be there.
    package func receive(into space: UnsafeMutableRawBufferPointer) -> IOResult {
        guard isReadable else { return .wouldBlock }
        precondition(space.count > 0)
        // SAFETY: the caller lends `space` for the time of this call.
        if let tls { return unsafe receive(into: space, from: tls) }
        let result = unsafe socket.read(into: space)
        switch result {
        case .bytes(let count):
            // Short: empty. Not so before an end, which is known already and makes no new edge.
            if count < space.count && !peerHasClosed && !isHungUp { isReadable = false }
        case .wouldBlock:
            isReadable = false
        case .endOfStream:
            isReadable = false
            peerHasClosed = true
            // A send may have taken the reset out of the socket.
            if let error { return .failed(error) }
        case .failed(let error):
            isReadable = false
            errorCode = error.code
        }
        return result
    }

    /// Asks the kernel, and not the last edge, whether the peer has neither sent nor closed.
    package func probeIsQuiet() -> Bool {
        !isReadable && socket.isQuiet
    }

    /// One receive behind what the buffer holds. Without free space it answers `bytes(0)`.
    package func receive(into buffer: ByteBuffer) -> IOResult {
        guard buffer.freeCapacity > 0 else { return .bytes(0) }
        // SAFETY: the free space is lent for the length of the closure, with its true length.
        let result = unsafe buffer.withFreeSpace { unsafe receive(into: $0) }
        if case .bytes(let count) = result { buffer.commit(count) }
        return result
    }

    /// Calls the handler again in the next turn, after what others have to do.
    package func runAgain() {
        loop.runAgain(source: self)
    }
}

// Received and not used yet: a partial head, pipelined requests.
extension Connection {
    package var pendingByteCount: Int { held.count }

    /// Nil exactly when nothing is pending. Consume by `consumePending`, which gives the buffer
    /// back to the pool.
    package var pending: ByteBuffer? { held.buffer }

    /// False, and nothing is kept, beyond 1 MB.
    package func appendPending(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // SAFETY: the caller lends `bytes` for the time of this call; they are copied.
        unsafe held.append(bytes, from: loop.buffers)
    }

    package func consumePending(_ count: Int) {
        held.consume(count, to: loop.buffers)
    }

    /// One receive behind what is pending, for which room for at least `byteCount` bytes is made.
    /// Answers `bytes(0)` beyond 1 MB.
    package func receivePending(reserving byteCount: Int) -> IOResult {
        guard isReadable else { return .wouldBlock }
        guard let buffer = held.reserve(byteCount, from: loop.buffers) else { return .bytes(0) }
        let result = receive(into: buffer)
        held.giveBackIfEmpty(to: loop.buffers)
        return result
    }
}

/// What became of bytes that were to be sent.
package enum SendResult: Sendable, Equatable {
    /// The kernel has all of them.
    case sent
    /// Some wait for room. The handler is called when there is, and then calls `flush`.
    case queued
    case failed(SystemError)
}

// Sending.
extension Connection {
    package var unsentByteCount: Int { unsent.count }
    package var hasUnsentBytes: Bool { unsent.buffer != nil }

    /// What the peer still has to take: our own unsent bytes, and those that wait in the kernel. A
    /// peer that reads slowly makes this smaller long before the kernel says that there is room.
    package var untakenByteCount: Int {
        unsent.count + max(0, Int(clinux_unacknowledged_count(socket.descriptor)))
    }

    /// Sends at once, if nothing waits before it; what the kernel does not take is copied.
    ///
    /// The caller stops when bytes are queued. Beyond 1 MB it has not, and the answer is ENOBUFS.
    package func send(_ bytes: UnsafeRawBufferPointer) -> SendResult {
        if let error = sendingError { return .failed(error) }
        guard isWritable, !hasUnsentBytes else { return unsafe queue(bytes) }
        // SAFETY: the caller lends `bytes` for the time of this call; what is queued is copied, and
        // the slice is within them by the count that was written.
        switch unsafe write(bytes) {
        case .bytes(let count):
            if count == bytes.count { return .sent }
            isWritable = false
            return unsafe queue(UnsafeRawBufferPointer(rebasing: bytes[count...]))
        case .wouldBlock, .endOfStream:
            isWritable = false
            return unsafe queue(bytes)
        case .failed(let error):
            return fail(error)
        }
    }

    /// Sends two parts in one call. Below about 8 KB, a copy into one part costs the same.
    package func send(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> SendResult {
        if let error = sendingError { return .failed(error) }
        var count = 0
        if isWritable, !hasUnsentBytes {
            // SAFETY: as for one part.
            switch unsafe write(first, second) {
            case .bytes(first.count + second.count): return .sent
            case .bytes(let taken): count = taken
            case .wouldBlock, .endOfStream: break
            case .failed(let error): return fail(error)
            }
            isWritable = false
        }
        let rest = unsafe UnsafeRawBufferPointer(rebasing: first[min(count, first.count)...])
        let result = unsafe queue(rest)
        if case .failed = result { return result }
        return unsafe queue(
            UnsafeRawBufferPointer(rebasing: second[max(0, count - first.count)...]))
    }

    package func send(_ bytes: Span<UInt8>) -> SendResult {
        unsafe bytes.withUnsafeBytes { unsafe send($0) }
    }

    /// Sends what waits, and then the end, if `finishSending` was called. `sent` means that nothing
    /// waits any more.
    package func flush() -> SendResult {
        guard isOpen, !isConnecting else { return hasUnsentBytes ? .queued : .sent }
        guard let buffer = unsent.buffer else {
            shutDownIfWanted()
            return .sent
        }
        guard isWritable else { return .queued }
        // SAFETY: the buffer's bytes are lent for the length of the closure.
        let result = unsafe buffer.withUnsafeBytes { unsafe write($0) }
        switch result {
        case .bytes(let count):
            if count < buffer.count { isWritable = false }
            unsent.consume(count, to: loop.buffers)
        case .wouldBlock, .endOfStream:
            isWritable = false
        case .failed(let error):
            return fail(error)
        }
        guard !hasUnsentBytes else { return .queued }
        shutDownIfWanted()
        return .sent
    }

    /// Tells the peer, behind all that waits, that nothing more comes. Receiving goes on.
    package func finishSending() {
        guard isOpen, !hasFinishedSending else { return }
        hasFinishedSending = true
        mustShutDown = true
        if !hasUnsentBytes && !isConnecting { shutDownIfWanted() }
    }

    private func shutDownIfWanted() {
        guard mustShutDown else { return }
        if let tls, !tls.sayFarewell() { return noteRoom(below: tls) }
        mustShutDown = false
        socket.shutdownWrite()
    }

    private var sendingError: SystemError? {
        if !isOpen || hasFinishedSending { return SystemError(call: "send", code: brokenPipe) }
        // After one failure no later send may pass for a success.
        return error
    }

    private func fail(_ error: SystemError) -> SendResult {
        errorCode = error.code
        // What the peer said before it broke off may be there, and its edge still on the way.
        isReadable = true
        unsent.removeAll(to: loop.buffers)
        return .failed(error)
    }

    private func queue(_ bytes: UnsafeRawBufferPointer) -> SendResult {
        // SAFETY: lent by the caller for the time of this call; the queue copies them.
        if unsafe unsent.append(bytes, from: loop.buffers) {
            return hasUnsentBytes ? .queued : .sent
        }
        // Remembered like every failure to send: a part in the middle is missing from here on.
        return fail(SystemError(call: "send", code: noBufferSpace))
    }
}

extension EventLoop {
    /// Calls the connection's handler again in the next turn, for one that stops to be fair.
    package func runAgain(_ connection: Connection) {
        runAgain(source: connection)
    }
}
