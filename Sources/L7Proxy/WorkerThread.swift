import ProxyConfig
import Synchronization
import Transport

private typealias WorkerBirth = Birth<[ListenerAddress: SocketAddress], ListenError>

/// One worker's thread, seen from outside.
final class WorkerThread {
    let share: WorkerShare
    private let number: Int
    private var thread: Transport.Thread?

    init(number: Int, share: WorkerShare) {
        self.number = number
        self.share = share
    }

    /// Starts the thread and waits until it listens.
    func start(
        _ snapshot: ConfigSnapshot, _ listening: ListeningShare
    ) throws(ListenError) -> [ListenerAddress: SocketAddress] {
        let birth = WorkerBirth()
        let share = share
        let first = FirstConfiguration(snapshot)
        do throws(SystemError) {
            thread = try startThread(name: "worker-\(number)") {
                runWorker(first, share: share, listening: listening, birth: birth)
            }
        } catch {
            throw ListenError(address: snapshot.anyListener, reason: "\(error)")
        }
        return try birth.wait().get()
    }

    func join() {
        thread?.join()
        thread = nil
    }
}

/// The body of a worker's thread: everything of the worker is made, used and destroyed here.
private func runWorker(
    _ first: FirstConfiguration, share: WorkerShare, listening: ListeningShare, birth: WorkerBirth
) {
    defer { share.end() }
    do throws(ListenError) {
        let worker = try first.makeWorker(share)
        try worker.listen(listening)
        share.orders.attach(worker.loop.mailbox)
        birth.report(.success(worker.listening))
        worker.run()
    } catch {
        birth.report(.failure(error))
    }
}

/// What a worker begins with, for as long as it begins: its thread lasts longer than any
/// configuration, and would keep what it was started with.
private final class FirstConfiguration: Sendable {
    private let snapshot: Mutex<ConfigSnapshot?>

    init(_ snapshot: ConfigSnapshot) {
        self.snapshot = Mutex(snapshot)
    }

    /// To be called once.
    func makeWorker(_ share: WorkerShare) throws(ListenError) -> Worker {
        guard let snapshot = snapshot.withLock({ $0.take() }) else {
            preconditionFailure("a thread has one worker")
        }
        return try Worker.make(snapshot, share: share)
    }
}
