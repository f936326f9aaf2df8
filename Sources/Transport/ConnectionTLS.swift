// TLS below a connection: nobody above has to know.
//
// The handshake is a part of connecting: `isConnecting` lasts until it is done, and a failure is an
// `error` like a refused connection.
extension Connection {
    /// Speaks TLS from here on. A connection that is being made begins when it is there; one that
    /// is there is `isConnecting` again until the handshake is done.
    ///
    /// What was received before stays; nothing may have been sent or be waiting.
    package func startTLS(_ session: TLSSession) {
        precondition(tls == nil && !hasUnsentBytes && !hasFinishedSending)
        guard isOpen else { return }
        tls = session
        if !isConnecting { _ = beginHandshake() }
    }

    /// The next byte to be received, which stays where it is; nil when there is none. Of a
    /// connection without TLS.
    package func peekByte() -> UInt8? { socket.peekByte() }

    /// False: the handler learns of nothing yet.
    func beginHandshake() -> Bool {
        guard let tls else { return true }
        tls.attach(to: socket.descriptor, isReadable: isReadable)
        tls.wire.peerHasClosed = peerHasClosed
        isConnecting = true
        let mayBegin = isReadable || tls.speaksFirst
        isReadable = false
        isWritable = false
        if mayBegin { loop.queueHandshake(of: self) }
        return false
    }

    func takeHandshakeStep() {
        guard let tls, isConnecting else { return }
        switch tls.handshake() {
        case .wouldBlock: return
        case .bytes:
            isReadable = tls.mayRead
            isWritable = tls.wire.isWritable
        case .endOfStream: errorCode = connectionReset
        case .failed(let error): errorCode = error.code
        }
        isConnecting = false
        handler?.connectionReady(self)
    }

    /// What the kernel says is about the records, not yet about what stands in them.
    func noteBelow(_ tls: TLSSession, _ events: ReadyEvents, hasFailed: Bool) {
        let wire = tls.wire
        if hasFailed || !events.isDisjoint(with: [.readable, .peerClosed]) {
            wire.isReadable = true
        }
        if hasFailed || events.contains(.writable) { wire.isWritable = true }
        if hasFailed || events.contains(.peerClosed) { wire.peerHasClosed = true }
        if isConnecting { isHungUp = isHungUp || hasFailed }
        // An answer to a change of keys had no room: reading goes on with it.
        if tls.isReadWaitingForRoom && wire.isWritable && !isConnecting { isReadable = true }
    }

    func receive(
        into space: UnsafeMutableRawBufferPointer, from tls: TLSSession
    ) -> IOResult {
        // SAFETY: the caller lends `space` for the time of this call.
        let result = unsafe tls.read(into: space)
        isReadable = tls.mayRead
        isWritable = isWritable && tls.wire.isWritable
        switch result {
        case .bytes: break
        case .wouldBlock: isReadable = false
        case .endOfStream:
            isReadable = false
            peerHasClosed = true
        case .failed(let error):
            isReadable = false
            errorCode = error.code
        }
        return result
    }

    /// After a send that came short for want of room.
    func noteRoom(below tls: TLSSession) {
        isWritable = tls.wire.isWritable
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> IOResult {
        // SAFETY: the caller lends the bytes for the time of this call.
        if let tls { return unsafe tls.write(bytes) }
        return unsafe socket.write(bytes)
    }

    func write(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> IOResult {
        // SAFETY: the caller lends both parts for the time of this call.
        guard let tls else { return unsafe socket.write(first, second) }
        let isOnePart = second.count == 0
        let result = unsafe tls.write(first, hasMore: !isOnePart)
        guard result == .bytes(first.count), !isOnePart else { return result }
        switch unsafe tls.write(second) {
        case .bytes(let count): return .bytes(first.count + count)
        case .wouldBlock, .endOfStream: return result
        case .failed(let error): return .failed(error)
        }
    }
}
