import Glibc
import Transport

/// An open file, pipe or device that lines go to. Writing to it never waits.
final class LogFile {
    private let descriptor: Int32
    private let kind: Kind

    private enum Kind {
        case regular
        case socket
        /// A pipe or a terminal: written to in pieces that the kernel takes whole or not at all.
        case stream
    }

    enum Outcome: Equatable {
        case wrote(Int)
        /// Nobody reads it, for now.
        case full
        case failed(SystemError)
    }

    /// Opens for appending, and makes the file where there is none.
    ///
    /// A named pipe needs a reader to be there.
    init(path: String) throws(SystemError) {
        // Not our terminal, not for our children, and no wait for a reader.
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
        // SAFETY: the language lends the string for the length of the call.
        var opened = unsafe open(path, flags, 0o640)
        let error = SystemError(call: "open", code: errno)
        // A standard stream may be a socket, as under systemd, or not ours to open anew.
        if opened < 0, let standard = LogFile.standardStream(path) {
            opened = fcntl(standard, F_DUPFD_CLOEXEC, 0)
        }
        guard opened >= 0 else { throw error }
        descriptor = opened
        kind = LogFile.kind(of: opened)
    }

    /// Opens what a descriptor leads to; nil where it is not open.
    ///
    /// It is a description of its own, which may be told never to wait, where others share the pipe
    /// or the terminal. A file is written where all who share it have come to.
    init?(sharing shared: Int32) {
        kind = LogFile.kind(of: shared)
        var opened: Int32 = -1
        if kind == .stream {
            let flags = O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
            // SAFETY: the language lends the string for the length of the call.
            opened = unsafe open("/proc/self/fd/\(shared)", flags)
        }
        // It may not be ours to open: then it is asked for room before each piece.
        if opened < 0 { opened = fcntl(shared, F_DUPFD_CLOEXEC, 0) }
        guard opened >= 0 else { return nil }
        descriptor = opened
    }

    deinit {
        _ = close(descriptor)
    }

    private static func standardStream(_ path: String) -> Int32? {
        switch path {
        case "/dev/stdout": STDOUT_FILENO
        case "/dev/stderr": STDERR_FILENO
        default: nil
        }
    }

    private static func kind(of descriptor: Int32) -> Kind {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return .stream }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .regular
        case S_IFSOCK: return .socket
        default: return .stream
        }
    }

    /// For waiting until there is room; nil where waiting for that means nothing.
    var waitable: Int32? { kind == .regular ? nil : descriptor }

    /// What is written can come out again: another file would not get the rest.
    var isRegular: Bool { kind == .regular }

    /// The file was removed, and what is written to it is seen by nobody.
    var isRemoved: Bool {
        var status = stat()
        guard kind == .regular, unsafe fstat(descriptor, &status) == 0 else { return false }
        return status.st_nlink == 0
    }

    /// Another file has this name by now.
    func isReplaced(at path: String) -> Bool {
        var own = stat()
        var named = stat()
        // SAFETY: local variables, and a string that is lent for the length of the call.
        guard kind == .regular, unsafe fstat(descriptor, &own) == 0,
            unsafe stat(path, &named) == 0
        else { return false }
        return own.st_ino != named.st_ino || own.st_dev != named.st_dev
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        let count: Int
        switch kind {
        // SAFETY: the caller lends the bytes for the length of the call.
        case .regular: count = unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        case .socket:
            count = unsafe send(
                descriptor, bytes.baseAddress, bytes.count,
                Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
        case .stream:
            // A descriptor that is shared with others may not be told never to wait; but where
            // there is room for a piece, writing it does not.
            guard hasRoom else { return .full }
            let piece = unsafe LogFile.piece(of: bytes)
            count = unsafe Glibc.write(descriptor, piece.baseAddress, piece.count)
        }
        if count >= 0 { return .wrote(count) }
        if errno == EAGAIN || errno == EINTR { return .full }
        return .failed(SystemError(call: "write", code: errno))
    }

    /// As many lines as are written at once, so that another process that writes to the same pipe
    /// comes between two lines; the beginning of a line that is longer.
    private static func piece(of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        // SAFETY: slices of what the caller lends, with their bounds checked.
        let most = unsafe UnsafeRawBufferPointer(rebasing: bytes.prefix(Int(PIPE_BUF)))
        guard let border = unsafe most.lastIndex(of: 0x0A) else { return unsafe most }
        return unsafe UnsafeRawBufferPointer(rebasing: most[...border])
    }

    private var hasRoom: Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&entry, 1, 0) > 0
    }
}
