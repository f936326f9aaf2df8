import Glibc

/// The kernel's buffers of a socket.
enum SocketBuffer {
    static let send = SO_SNDBUF
    static let receive = SO_RCVBUF

    /// Bytes that may be on their way through the proxy to somebody who does not read, where the
    /// test's own sockets have small buffers.
    ///
    /// Nearly all of them are the kernel's: it lets the buffers of the proxy's two sockets grow to
    /// their maximum (tcp(7)), the sooner the longer its round trips are, as on a busy machine. The
    /// megabyte is for the test's sockets and for what the proxy itself holds, which is one read.
    static let onTheWayMax = maximum("rmem") + maximum("wmem") + 1_000_000
    /// What is more than may be on the way.
    static let tooMuch = 2 * onTheWayMax

    /// The last of three numbers. 32 MB where the kernel does not say: its usual maxima are less.
    private static func maximum(_ kind: String) -> Int {
        let file = unsafe open("/proc/sys/net/ipv4/tcp_\(kind)", O_RDONLY)
        defer { close(file) }
        var text = [UInt8](repeating: 0, count: 128)
        // SAFETY: the array's own memory and count, for the length of the call.
        let count = unsafe text.withUnsafeMutableBytes { space in
            unsafe read(file, space.baseAddress, space.count)
        }
        let words = text.prefix(max(0, count)).split { $0 <= UInt8(ascii: " ") }
        return words.last.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 32 << 20
    }
}
