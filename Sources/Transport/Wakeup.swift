internal import CLinux
internal import Glibc

/// Wakes a loop from any thread.
///
/// It is shared between threads as an object, so that its descriptor stays open for the last who
/// holds it.
package final class Wakeup: Sendable {
    let descriptor: Int32

    init() throws(SystemError) {
        descriptor = clinux_eventfd_create()
        guard descriptor >= 0 else { throw .last("eventfd") }
    }

    deinit {
        _ = Glibc.close(descriptor)
    }

    /// The loop's `onWake` runs after this call, on the loop's thread; several calls may come to
    /// one run.
    package func wake() {
        var one: UInt64 = 1
        // The loop never reads the counter: watched edge-triggered, each write is a new event. A
        // counter that is full after 2^64 wakes is out of reach.
        _ = unsafe Glibc.write(descriptor, &one, MemoryLayout<UInt64>.size)
    }
}
