import Glibc

/// A port that answers no handshake: its queue is full, and the kernel drops what comes, as a
/// firewall does.
final class BlackHole {
    let port: UInt16
    private let listening: Int32
    private var waiting: [Int32] = []

    init() throws {
        (listening, port) = try openLoopbackListener(backlog: 0)
        // The queue is a little longer than asked for: connect until one stays unanswered.
        for _ in 0..<16 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            waiting.append(descriptor)
            try connectLoopback(descriptor, port: port)
            if !waitForDescriptor(descriptor, POLLOUT, within: .milliseconds(200)) { return }
        }
        throw WireError.failed(call: "filling a backlog", code: 0)
    }

    deinit {
        for descriptor in waiting { close(descriptor) }
        close(listening)
    }
}

/// Begins to connect to a port of this machine.
func connectLoopback(_ descriptor: Int32, port: UInt16) throws(WireError) {
    var address = loopbackAddress(port: port)
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    // SAFETY: the kernel reads one `sockaddr_in`, which is what the pointer shows and the length
    // says.
    let code = unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
            unsafe connect(descriptor, pointer, length)
        }
    }
    guard code == 0 || errno == EINPROGRESS else { throw .failed(call: "connect", code: errno) }
}
