internal import CLinux
internal import Glibc

/// Owns one descriptor of a stream socket and closes it at its end.
///
/// Every socket here is non-blocking and close-on-exec.
package struct Socket: ~Copyable {
    /// -1 exactly when the socket has been closed.
    private(set) var descriptor: Int32

    package init(adopting descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Opens a stream socket of the family of `address`, bound to nothing.
    package static func open(for address: SocketAddress) throws(SystemError) -> Socket {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = Glibc.socket(address.family, type, 0)
        guard descriptor >= 0 else { throw .last("socket") }
        return Socket(adopting: descriptor)
    }

    deinit {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
    }

    /// Closes now. Whoever uses the socket later gets EBADF and never another's descriptor.
    package mutating func close() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Another descriptor of the same open socket.
    package func duplicate() throws(SystemError) -> Socket {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw .last("fcntl") }
        return Socket(adopting: copy)
    }

    /// Gives the descriptor away, which is then the caller's to close.
    package consuming func release() -> Int32 {
        let released = descriptor
        descriptor = -1
        return released
    }
}

// Bytes.
extension Socket {
    /// One receive. `endOfStream` also answers a buffer without room.
    package func read(into space: UnsafeMutableRawBufferPointer) -> IOResult {
        while true {
            // SAFETY: the caller lends `space` for the time of this call, with its true length.
            let count = unsafe clinux_receive(
                descriptor, space.baseAddress, UInt(space.count))
            if count > 0 { return .bytes(count) }
            if count == 0 { return .endOfStream }
            if let result = Self.failure("recv") { return result }
        }
    }

    /// Whether the peer has neither sent nor closed nor failed, asked without taking anything.
    var isQuiet: Bool {
        var byte: UInt8 = 0
        // SAFETY: one byte of a local variable, for the length of the call.
        let count = unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        return count < 0 && errno == EAGAIN
    }

    /// The next byte, which stays where it is; nil when there is none now.
    func peekByte() -> UInt8? {
        var byte: UInt8 = 0
        // SAFETY: one byte of a local variable, for the length of the call.
        let count = unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        return count == 1 ? byte : nil
    }

    /// One send. It may take fewer bytes than there are.
    package func write(_ bytes: UnsafeRawBufferPointer) -> IOResult {
        while true {
            // SAFETY: the caller lends `bytes` for the time of this call, with its true length.
            let count = unsafe clinux_send(
                descriptor, bytes.baseAddress, UInt(bytes.count), Int32(MSG_NOSIGNAL))
            if count >= 0 { return .bytes(count) }
            if let result = Self.failure("send") { return result }
        }
    }

    /// One send of two parts behind each other. It may take fewer bytes than there are.
    package func write(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> IOResult {
        // SAFETY: the caller lends both parts for the time of this call; the kernel reads only,
        // whatever `iovec` says about it.
        var parts = unsafe (Self.part(first), Self.part(second))
        return unsafe withUnsafeMutableBytes(of: &parts) { parts in
            var message = unsafe msghdr()
            unsafe message.msg_iov = parts.baseAddress?.assumingMemoryBound(to: iovec.self)
            unsafe message.msg_iovlen = 2
            while true {
                let count = unsafe sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
                if count >= 0 { return .bytes(count) }
                if let result = Self.failure("sendmsg") { return result }
            }
        }
    }

    private static func part(_ bytes: UnsafeRawBufferPointer) -> iovec {
        unsafe iovec(
            iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    }

    /// Nil when the call was interrupted and is to be made again.
    private static func failure(_ call: StaticString) -> IOResult? {
        let code = errno
        if code == EINTR { return nil }
        if code == EAGAIN || code == EWOULDBLOCK { return .wouldBlock }
        return .failed(SystemError(call: call, code: code))
    }

    /// Tells the peer that nothing more comes. That the peer has gone already is no failure.
    package func shutdownWrite() {
        _ = shutdown(descriptor, Int32(SHUT_WR))
    }
}

// Addresses.
extension Socket {
    /// Begins to connect. False means that it is under way and the socket becomes writable.
    func connect(to address: SocketAddress) throws(SystemError) -> Bool {
        let result = unsafe address.withSystemAddress { unsafe Glibc.connect(descriptor, $0, $1) }
        if result == 0 { return true }
        // connect(2): an interrupted connect goes on in the background.
        guard errno == EINPROGRESS || errno == EINTR else { throw .last("connect") }
        return false
    }

    func bind(to address: SocketAddress) throws(SystemError) {
        let result = unsafe address.withSystemAddress { unsafe Glibc.bind(descriptor, $0, $1) }
        guard result == 0 else { throw .last("bind") }
    }

    /// Nil for a peer without a name, and once the peer has gone.
    package var peerAddress: SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // SAFETY: the kernel writes at most `length` bytes, which is the size of the storage.
        let result = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            let address = unsafe bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
            return unsafe getpeername(descriptor, address, &length)
        }
        return result == 0 ? SocketAddress(storage, length: length) : nil
    }

    package var localAddress: SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // SAFETY: the kernel writes at most `length` bytes, which is the size of the storage.
        let result = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            let address = unsafe bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
            return unsafe getsockname(descriptor, address, &length)
        }
        return result == 0 ? SocketAddress(storage, length: length) : nil
    }
}
