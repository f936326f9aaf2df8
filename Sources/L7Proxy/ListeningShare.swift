import ProxyConfig
import Transport

/// How one worker comes to its listeners: which exist already, and where.
struct ListeningShare: Sendable {
    /// Where another worker listens already, with the ports that the kernel chose.
    var resolved: [ListenerAddress: SocketAddress] = [:]
    /// Sockets that came with the start of the process, for this worker.
    var inherited: [ListenerAddress: [InheritedSocket]] = [:]
    /// A path can be bound once: one worker does it, and does it again after each reload.
    var bindsPaths = true

    /// None where another worker serves an address that can be bound once.
    func openListeners(
        at wanted: ListenerAddress, loop: EventLoop
    ) throws(ListenError) -> [Listener] {
        if inherited[wanted] == nil, case .unix = wanted, !bindsPaths { return [] }
        guard let address = resolved[wanted] ?? wanted.socketAddress else {
            throw ListenError(address: wanted, reason: "the path is too long")
        }
        do throws(SystemError) {
            guard let sockets = inherited[wanted] else {
                return [try Listener.bind(to: address, loop: loop)]
            }
            var listeners: [Listener] = []
            for socket in sockets { listeners.append(try Listener.adopt(socket, loop: loop)) }
            return listeners
        } catch {
            throw ListenError(address: wanted, reason: "\(error)")
        }
    }
}
