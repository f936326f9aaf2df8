internal import Glibc

/// A byte pipe between a process and the one that is to take its place. Its end tells that the
/// other process is gone.
package final class HandoverChannel: Sendable {
    package let descriptor: Int32

    package init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit {
        _ = Glibc.close(descriptor)
    }

    /// The two ends of a new one.
    ///
    /// - Parameter patience: for a reader that takes nothing at all; whoever sends may have signals
    ///   to obey.
    package static func pair(
        patience: Duration = .seconds(5)
    ) throws(SystemError) -> (HandoverChannel, HandoverChannel) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        // SAFETY: the array has room for two descriptors.
        guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw .last("socketpair") }
        let pair = (HandoverChannel(adopting: ends[0]), HandoverChannel(adopting: ends[1]))
        let nanoseconds = patience.wholeNanoseconds
        var limit = timeval(
            tv_sec: Int(nanoseconds / 1_000_000_000),
            tv_usec: Int(nanoseconds % 1_000_000_000 / 1_000))
        let size = UInt32(MemoryLayout<timeval>.size)
        // SAFETY: a local variable and its size.
        guard unsafe setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &limit, size) == 0 else {
            throw .last("setsockopt")
        }
        return pair
    }

    /// Sends all of it, waiting for the reader; false when the other process is gone, or takes
    /// nothing for too long.
    package func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            // SAFETY: the part lies inside the array, which is lent for the time of the call.
            let count = unsafe bytes[sent...].withUnsafeBytes { part in
                unsafe Glibc.send(descriptor, part.baseAddress, part.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Waits for exactly so many bytes; nil when the other process ends before.
    package func receive(_ byteCount: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        // A piece at a time: the number may be wrong, and memory is not had for the asking.
        while bytes.count < byteCount {
            var piece = [UInt8](repeating: 0, count: min(65_536, byteCount - bytes.count))
            // SAFETY: the array's own memory and count, for the time of the call.
            let count = unsafe recv(descriptor, &piece, piece.count, 0)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return nil }
            bytes += piece[..<count]
        }
        return bytes
    }

    /// What has come by now.
    package enum Word: Equatable {
        case nothing
        case byte(UInt8)
        case ended
    }

    /// The next byte, without waiting.
    package func word() -> Word {
        var byte: UInt8 = 0
        // SAFETY: one byte of a local variable, for the length of the call.
        let count = unsafe recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT))
        if count == 1 { return .byte(byte) }
        return count < 0 && (errno == EAGAIN || errno == EINTR) ? .nothing : .ended
    }
}
