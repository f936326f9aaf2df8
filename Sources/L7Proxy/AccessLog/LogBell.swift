import CLinux
import Glibc
import Synchronization
import Transport

/// Wakes the writer of the access log, at the price of a system call only when it sleeps.
final class LogBell: Sendable {
    private let descriptor: Int32
    private let isAsleep = Atomic<Bool>(false)

    init() throws(SystemError) {
        descriptor = clinux_eventfd_create()
        guard descriptor >= 0 else { throw SystemError(call: "eventfd", code: errno) }
    }

    deinit {
        _ = close(descriptor)
    }

    /// There are lines: to be called after they were put where the writer finds them.
    func ringIfAsleep() {
        // The lines must be there before the look at who sleeps: the other side goes to sleep and
        // then looks for lines, and one of the two has to see the other.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        guard isAsleep.load(ordering: .relaxed),
            isAsleep.exchange(false, ordering: .relaxed)
        else { return }
        ring()
    }

    /// There are orders, for a writer that sleeps or waits for its file.
    func ring() {
        var one: UInt64 = 1
        _ = unsafe Glibc.write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    /// Sleeps until there are lines or orders.
    ///
    /// - Parameter hasWork: asked once more when everybody can see that the writer sleeps.
    func sleep(atMost time: Duration?, unless hasWork: () -> Bool) {
        isAsleep.store(true, ordering: .relaxed)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        if !hasWork() { pause(atMost: time) }
        isAsleep.store(false, ordering: .relaxed)
    }

    /// Waits for orders, and for room in a file, not for lines.
    ///
    /// - Parameters:
    ///   - time: nil for as long as it takes.
    ///   - file: nil for none.
    func pause(atMost time: Duration?, forRoomIn file: Int32? = nil) {
        let milliseconds = time.map { Int32(clamping: $0.wholeNanoseconds / 1_000_000) } ?? -1
        var entries = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            // A negative descriptor is passed over.
            pollfd(fd: file ?? -1, events: Int16(POLLOUT), revents: 0),
        ]
        _ = unsafe poll(&entries, 2, milliseconds)
        var count: UInt64 = 0
        if entries[0].revents != 0 {
            _ = unsafe Glibc.read(descriptor, &count, MemoryLayout<UInt64>.size)
        }
    }
}
