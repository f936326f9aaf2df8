import Glibc
import Transport

/// Tells systemd, or whoever set `NOTIFY_SOCKET`, how the process is doing (sd_notify(3)).
struct ServiceManager {
    private let socket: NotificationSocket?

    /// Nobody.
    init() {
        socket = nil
    }

    /// - Parameter socket: as in `NOTIFY_SOCKET`.
    init(socket text: String?) {
        socket = text.flatMap { NotificationSocket($0) }
    }

    /// The one that started this process, if it wants to know.
    static var own: ServiceManager {
        // SAFETY: the environment is not written to after the start, and the text is copied.
        ServiceManager(socket: unsafe getenv("NOTIFY_SOCKET").map { unsafe String(cString: $0) })
    }

    /// The configuration holds, and connections are taken.
    func ready(_ status: String) {
        send("READY=1", status)
    }

    /// To be followed by `ready`. systemd wants to know when it began, by the monotonic clock.
    func reloading(_ status: String) {
        let microseconds = MonotonicTime.now().nanoseconds / 1_000
        send("RELOADING=1\nMONOTONIC_USEC=\(microseconds)", status)
    }

    func stopping(_ status: String) {
        send("STOPPING=1", status)
    }

    /// Another process is the service now. What this one has to say is of no interest any more.
    func replaced(by process: Int32, _ status: String) {
        send("READY=1\nMAINPID=\(process)", status)
    }

    private func send(_ state: String, _ status: String) {
        socket?.send("\(state)\nSTATUS=\(status)")
    }
}
