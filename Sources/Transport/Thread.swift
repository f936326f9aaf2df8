internal import CLinux
internal import Glibc

/// A thread that was started and can be waited for.
package struct Thread: Sendable {
    fileprivate let id: pthread_t

    /// Waits until the thread's body has returned. To be called once.
    package func join() {
        _ = pthread_join(id, nil)
    }

    /// Lets it end alone, for one that may take longer than anybody waits. Instead of `join`.
    package func detach() {
        _ = pthread_detach(id)
    }
}

/// What a new thread needs, in one object that it takes over.
private final class ThreadStart: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

/// Starts a thread. Of its name the kernel keeps 15 bytes.
package func startThread(
    name: String, _ body: @escaping @Sendable () -> Void
) throws(SystemError) -> Thread {
    let start = ThreadStart(name: name, body: body)
    // SAFETY: one reference is handed over; `runThread` takes it, or we do when there is no thread.
    let handedOver = unsafe Unmanaged.passRetained(start)
    var id = pthread_t()
    let code = unsafe pthread_create(&id, nil, runThread, handedOver.toOpaque())
    guard code == 0 else {
        unsafe handedOver.release()
        throw SystemError(call: "pthread_create", code: code)
    }
    return Thread(id: id)
}

/// A free function and no closure: a closure would inherit the isolation of the place where it is
/// written, and die on any other thread.
private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument = unsafe argument else { return nil }
    // SAFETY: the argument is the reference that `startThread` handed over, and is taken once.
    let start = unsafe Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
    unsafe clinux_thread_set_name(start.name)
    start.body()
    return nil
}
