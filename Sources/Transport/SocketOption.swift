internal import Glibc

/// What can be asked of a socket. Set on a listener, an option holds for what it accepts.
package enum SocketOption: Sendable, Hashable {
    /// Small segments go out at once. On for every TCP socket of ours.
    case noDelay
    /// The kernel asks a silent peer after `idle` seconds, then every `interval`, and gives the
    /// connection up after `count` unanswered probes.
    case keepAlive(idle: Int32, interval: Int32, count: Int32)
    /// The connection fails when sent bytes stay unacknowledged for so long.
    case userTimeout(milliseconds: Int32)
    case sendBuffer(bytes: Int32)
    case receiveBuffer(bytes: Int32)
    /// `close` discards what is unsent, and the peer sees a reset.
    case resetOnClose
    case reuseAddress
    /// Several sockets listen at one address, and the kernel spreads connections among them.
    case reusePort
    /// An IPv6 socket takes no IPv4.
    case onlyIPv6
    /// `bind` names the address only; the port is chosen in `connect`, where as many ports are
    /// free as there are for this destination and not for this host.
    case bindAddressOnly
}

extension Socket {
    /// Nil when the kernel agreed.
    @discardableResult
    package func set(_ option: SocketOption) -> SystemError? {
        switch option {
        case .noDelay: set(tcp, TCP_NODELAY, 1)
        case .keepAlive(let idle, let interval, let count):
            set(SOL_SOCKET, SO_KEEPALIVE, 1) ?? set(tcp, TCP_KEEPIDLE, idle)
                ?? set(tcp, TCP_KEEPINTVL, interval) ?? set(tcp, TCP_KEEPCNT, count)
        case .userTimeout(let milliseconds): set(tcp, TCP_USER_TIMEOUT, milliseconds)
        case .sendBuffer(let bytes): set(SOL_SOCKET, SO_SNDBUF, bytes)
        case .receiveBuffer(let bytes): set(SOL_SOCKET, SO_RCVBUF, bytes)
        case .resetOnClose: set(SOL_SOCKET, SO_LINGER, linger(l_onoff: 1, l_linger: 0))
        case .reuseAddress: set(SOL_SOCKET, SO_REUSEADDR, 1)
        case .reusePort: set(SOL_SOCKET, SO_REUSEPORT, 1)
        case .onlyIPv6: set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1)
        case .bindAddressOnly: set(Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, 1)
        }
    }

    private var tcp: Int32 { Int32(IPPROTO_TCP) }

    private func set(_ level: Int32, _ name: Int32, _ value: Int32) -> SystemError? {
        var value = value
        let size = socklen_t(MemoryLayout<Int32>.size)
        let result = unsafe setsockopt(descriptor, level, name, &value, size)
        return result == 0 ? nil : .last("setsockopt")
    }

    private func set(_ level: Int32, _ name: Int32, _ value: linger) -> SystemError? {
        var value = value
        let size = socklen_t(MemoryLayout<linger>.size)
        let result = unsafe setsockopt(descriptor, level, name, &value, size)
        return result == 0 ? nil : .last("setsockopt")
    }

    /// The number an option of this level stands at; nil when the kernel has none.
    func number(_ level: Int32, _ name: Int32) -> Int32? {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, level, name, &value, &size) == 0 ? value : nil
    }

    /// Takes the error that waits on the socket, which is then forgotten; 0 when there is none.
    var pendingErrorCode: Int32 {
        number(SOL_SOCKET, SO_ERROR) ?? EBADF
    }
}
