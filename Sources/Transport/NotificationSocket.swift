internal import Glibc

/// A datagram socket of the service manager (sd_notify(3)), which takes lines of `NAME=value`.
package struct NotificationSocket: Sendable {
    /// As in `NOTIFY_SOCKET`: a path, or a name in the abstract name space behind an `@`.
    private let name: [UInt8]

    /// Nil for what is neither, or too long for `sockaddr_un`.
    package init?(_ text: String) {
        var name = Array(text.utf8)
        guard name.count > 1, name.count <= 107, !name.contains(0) else { return nil }
        switch name[0] {
        case UInt8(ascii: "/"): break
        case UInt8(ascii: "@"): name[0] = 0
        default: return nil
        }
        self.name = name
    }

    /// Sends one message. That nobody listens is not our business.
    package func send(_ text: String) {
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { return }
        defer { Glibc.close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // SAFETY: the name has at most 107 bytes and `sun_path` 108; the address and the text are
        // lent for the time of the calls.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
        // A name ends where the length says so: it may not have trailing zeros.
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let message = Array(text.utf8)
        unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = unsafe sendto(
                    descriptor, message, message.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
    }
}
