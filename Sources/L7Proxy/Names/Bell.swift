import CLinux
import Glibc
import Transport

/// Wakes a thread that waits for a time to come.
final class Bell: Sendable {
    private let descriptor: Int32

    init() throws(SystemError) {
        descriptor = clinux_eventfd_create()
        guard descriptor >= 0 else { throw SystemError(call: "eventfd", code: errno) }
    }

    deinit {
        _ = close(descriptor)
    }

    func ring() {
        var one: UInt64 = 1
        _ = unsafe Glibc.write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    /// Returns at that time, and earlier when it rings or rang since the last wait.
    func wait(until end: MonotonicTime) {
        let now = MonotonicTime.now()
        // Rounded up: a wait that ends too early finds nothing due, and spins.
        let milliseconds =
            end == .distantFuture
            ? -1 : Int32(clamping: (end - now).wholeNanoseconds / 1_000_000 + 1)
        var question = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // SAFETY: one local structure, for the time of the call.
        guard unsafe poll(&question, 1, milliseconds) > 0 else { return }
        var count: UInt64 = 0
        _ = unsafe Glibc.read(descriptor, &count, MemoryLayout<UInt64>.size)
    }
}
