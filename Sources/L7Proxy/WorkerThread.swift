import ProxyConfig
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
        do throws(SystemError) {
            thread = try startThread(name: "worker-\(number)") {
                runWorker(snapshot, share: share, listening: listening, birth: birth)
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
    _ snapshot: ConfigSnapshot, share: WorkerShare, listening: ListeningShare, birth: WorkerBirth
) {
    defer { share.end() }
    do throws(ListenError) {
        let worker = try Worker.make(snapshot, share: share)
        try worker.listen(listening)
        share.orders.attach(worker.loop.mailbox)
        birth.report(.success(worker.listening))
        worker.run()
    } catch {
        birth.report(.failure(error))
    }
}
