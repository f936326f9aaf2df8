import CLinux
import Glibc
import ProxyConfig
import Transport

/// What this process was started with: listening sockets, from the service manager or from the
/// process whose place it takes, and the line to that one.
struct Inheritance {
    var sockets: [InheritedSocket] = []
    /// Non-nil exactly when another process serves until this one does.
    var predecessor: HandoverChannel?

    /// `CHANNEL:SOCKET,SOCKET...`, numbers of descriptors; set by the process to be replaced.
    static let variable = "L7PROXY_HANDOVER"
    /// sd_listen_fds(3): they count from 3, and are meant for one process only.
    private static let activationVariables = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"]
    private static let firstActivated: Int32 = 3
    /// What a successor must not take for its own.
    static let removedVariables = (activationVariables + [variable]).map { $0 + "=" }

    /// Reads the environment, and takes out of it what was for this process. To be called before
    /// the first thread starts.
    static func take() -> Inheritance {
        let values = ([variable] + activationVariables).map { name in
            defer { unsafe clinux_environment_remove(name) }
            // SAFETY: there is one thread, and the text is copied before the variable goes.
            return unsafe getenv(name).map { unsafe String(cString: $0) }
        }
        if let handover = values[0] { return Inheritance(handover: handover) }
        return Inheritance(activatedCount: values[1], process: values[2])
    }

    init() {}

    init(handover text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let channel = Int32(parts[0]) else { return }
        predecessor = HandoverChannel(adopting: channel)
        sockets = parts[1].split(separator: ",").compactMap { Int32($0) }
            .compactMap { InheritedSocket($0) }
    }

    private init(activatedCount: String?, process: String?) {
        guard let process, Int32(process) == getpid(),
            let count = activatedCount.flatMap({ Int32($0) }), count > 0, count <= 1_000
        else { return }
        sockets = (0..<count).compactMap { InheritedSocket(Inheritance.firstActivated + $0) }
    }

    /// Shares the sockets out to workers, by the listeners that they serve. Every socket has a
    /// worker, and one that had to be left out would reset who waits in its queue: where there are
    /// fewer workers than sockets, a worker serves several. What no listener names is left over.
    ///
    /// - Returns: for each worker what it serves; and the rest.
    func shared(
        out listeners: [ListenerAddress], to workerCount: Int
    ) throws(SystemError) -> (shares: [[ListenerAddress: [InheritedSocket]]], [InheritedSocket]) {
        var shares = [[ListenerAddress: [InheritedSocket]]](repeating: [:], count: workerCount)
        var rest = sockets
        for listener in Inheritance.mostExactFirst(listeners) {
            guard let wanted = listener.socketAddress else { continue }
            var own = rest.filter { $0.serves(wanted) }
            rest.removeAll { $0.serves(wanted) }
            // Where no second socket could be bound, the workers take turns at one queue.
            while let first = own.first, !first.sharesPort, own.count < workerCount {
                own.append(try first.duplicate())
            }
            for (number, socket) in own.enumerated() {
                shares[number % workerCount][listener, default: []].append(socket)
            }
        }
        return (shares, rest)
    }

    /// Takes out the socket at one address; nil when there is none.
    ///
    /// - Parameter listeners: whose addresses are theirs, even if the port wanted is open. Of what
    ///   is left the last is taken: where a process before has added its own.
    mutating func takeSocket(
        at listener: ListenerAddress?, besides listeners: [ListenerAddress]
    ) -> InheritedSocket? {
        let taken = listeners.compactMap(\.socketAddress)
        guard let wanted = listener?.socketAddress,
            let index = sockets.lastIndex(where: {
                $0.serves(wanted) && !taken.contains($0.address)
            })
        else { return nil }
        return sockets.remove(at: index)
    }

    /// A listener with an unset port takes what is left.
    private static func mostExactFirst(_ listeners: [ListenerAddress]) -> [ListenerAddress] {
        let isOpen = { (listener: ListenerAddress) in listener.socketAddress?.port == 0 }
        return listeners.filter { !isOpen($0) } + listeners.filter(isOpen)
    }
}

extension InheritedSocket {
    /// Port 0 stands for whatever the kernel chose.
    fileprivate func serves(_ wanted: SocketAddress) -> Bool {
        address == wanted
            || wanted.port == 0 && address.port != nil && address.high == wanted.high
                && address.low == wanted.low
    }
}
