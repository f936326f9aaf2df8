internal import Glibc

/// A listening socket that was opened by another process and came with the start of this one.
package struct InheritedSocket: Sendable, Equatable {
    package let descriptor: Int32
    package let address: SocketAddress
    /// Others may be bound to the same address.
    package let sharesPort: Bool

    /// Looks at a descriptor that came from outside; nil for one that is no listening stream
    /// socket. From now on it is closed when another program is started.
    package init?(_ descriptor: Int32) {
        let socket = Socket(adopting: descriptor)
        let isListening =
            socket.number(SOL_SOCKET, SO_ACCEPTCONN) == 1
            && socket.number(SOL_SOCKET, SO_TYPE) == Int32(SOCK_STREAM.rawValue)
        let isBoundOnce = socket.number(SOL_SOCKET, SO_REUSEPORT) != 1
        let found = socket.localAddress
        // Only looked at: whoever uses it adopts it.
        _ = socket.release()
        guard isListening, let found, fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
            return nil
        }
        self.descriptor = descriptor
        address = found
        sharesPort = found.path == nil && !isBoundOnce
    }

    /// The same socket under another descriptor, for another loop.
    package func duplicate() throws(SystemError) -> InheritedSocket {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0, let socket = InheritedSocket(copy) else { throw .last("fcntl") }
        return socket
    }

    /// For one that nobody wants.
    package func close() {
        _ = Glibc.close(descriptor)
    }
}
