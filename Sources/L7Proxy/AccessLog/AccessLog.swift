import Glibc
import Logging
import ProxyConfig
import Synchronization
import Transport

/// The access log of the process, as the server sees it: where it goes, and when it ends.
final class AccessLog: Sendable {
    private let log: Logger
    private let desk: LogDesk
    /// Runs from the first time that there is something to write.
    private let writer = Mutex<Transport.Thread?>(nil)

    init(log: Logger) throws(UnusableConfiguration) {
        self.log = log
        do throws(SystemError) {
            desk = try LogDesk()
        } catch {
            throw UnusableConfiguration(
                description: "the access log cannot be set up: \(error)")
        }
    }

    /// For one worker more.
    func makeFeed() -> LogFeed { desk.makeFeed() }

    /// Lines that could not be written, since the start.
    var droppedCount: Int { desk.droppedCount }

    /// Writes where the configuration says from now on.
    func adopt(_ rule: AccessLogRule?) {
        let isRunning = writer.withLock { $0 != nil }
        guard isRunning || rule != nil else { return }
        desk.order { $0.path = rule?.path }
        if !isRunning { start() }
    }

    private func start() {
        do throws(SystemError) {
            let (desk, log) = (desk, log)
            let thread = try startThread(name: "access-log") {
                AccessLogWriter(desk, log: log).run()
            }
            writer.withLock { $0 = thread }
        } catch {
            log.error("there is no access log: \(error)")
        }
    }

    /// The file was renamed: begins a new one.
    func reopen() {
        desk.order { $0.reopens = true }
    }

    /// From now on another process is told when the file was renamed.
    func follow() {
        desk.order { $0.follows = true }
    }

    /// Writes what there is, for a second at most. To be called when the workers have ended.
    func stop() {
        let thread = writer.withLock { $0.take() }
        guard let thread else { return }
        desk.order { $0.stops = true }
        let end = MonotonicTime.now() + AccessLog.patience
        while !desk.writerHasEnded {
            // A disk behind a network may never answer, and holds its writer as long.
            guard MonotonicTime.now() < end else {
                return log.error("the access log's last lines cannot be written: no answer")
            }
            usleep(500)
        }
        thread.join()
    }

    /// Three times what the writer takes at most while its file answers at all.
    private static let patience = Duration.seconds(3)
}
