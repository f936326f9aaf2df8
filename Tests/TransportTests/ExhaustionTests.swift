import Glibc
import Testing

@testable import Transport

// Each of these runs in a process of its own: it takes all descriptors away.
@Suite("Running out of descriptors")
struct ExhaustionTests {
    @Test("clients are turned away without spinning, and accepted again later")
    func exhaustion() async {
        await #expect(processExitsWith: .success) {
            let loop = try EventLoop()
            let listener = try Listener.bind(to: loopback(), loop: loop)
            var accepted: [Peer] = []
            listener.onAccept = { socket, _ in accepted.append(Peer(socket)) }
            let clients = [try dial(listener.address), try dial(listener.address)]
            let hoard = takeAllDescriptors()

            let start = MonotonicTime.now()
            loop.turn(waitingAtMost: .seconds(5))
            #expect(accepted.isEmpty)
            #expect(listener.refusedCount == 1)
            // The reserve has been taken again before anybody else could.
            let spare = dup(0)
            #expect(spare == -1)
            // An owner who resumes does not end the pause of exhaustion.
            listener.pause()
            listener.resume()
            // Two clients, one of them turned away: the other waits, and makes nobody spin.
            loop.turn(waitingAtMost: .milliseconds(40))
            #expect(listener.refusedCount == 1)
            #expect(MonotonicTime.now() - start >= .milliseconds(40))

            for descriptor in hoard { _ = Glibc.close(descriptor) }
            turn(loop) { accepted.count == 1 }
            #expect(MonotonicTime.now() - start >= .milliseconds(100))
            #expect(accepted.first?.write("x") == .bytes(1))
            #expect(Set(clients.map { $0.nextText() }) == ["x", nil])
            listener.close()
        }
    }

    @Test("an owner's pause outlasts the pause of exhaustion")
    func exhaustedAndPaused() async {
        await #expect(processExitsWith: .success) {
            let loop = try EventLoop()
            let listener = try Listener.bind(to: loopback(), loop: loop)
            var acceptedCount = 0
            listener.onAccept = { _, _ in acceptedCount += 1 }
            let clients = [try dial(listener.address), try dial(listener.address)]
            let hoard = takeAllDescriptors()
            loop.turn(waitingAtMost: .seconds(5))
            listener.pause()
            for descriptor in hoard { _ = Glibc.close(descriptor) }
            turn(loop) { listener.deadlineTime == .distantFuture }
            loop.turn(waitingAtMost: .zero)
            #expect(acceptedCount == 0)
            listener.resume()
            turn(loop) { acceptedCount == 1 }
            #expect(clients.count == 2)
            listener.close()
        }
    }

    @Test("connecting without a descriptor fails at once, as exhaustion")
    func connecting() async {
        await #expect(processExitsWith: .success) {
            let loop = try EventLoop()
            let hoard = takeAllDescriptors()
            let failure = #expect(throws: SystemError.self) {
                _ = try Connection.connect(to: loopback(port: 9), loop: loop)
            }
            #expect(failure == SystemError(call: "socket", code: EMFILE))
            #expect(failure?.isResourceExhaustion == true)
            for descriptor in hoard { _ = Glibc.close(descriptor) }
        }
    }

    @Test("the limit is raised to what is allowed")
    func raising() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit()
            _ = unsafe getrlimit(openFiles, &limit)
            limit.rlim_max = min(limit.rlim_max, 500)
            limit.rlim_cur = 300
            _ = unsafe setrlimit(openFiles, &limit)
            #expect(Descriptors.raiseLimit() == Int(limit.rlim_max))
            _ = unsafe getrlimit(openFiles, &limit)
            #expect(limit.rlim_cur == limit.rlim_max)
        }
    }
}

private var openFiles: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }

/// Lowers the limit, and takes what it leaves.
private func takeAllDescriptors() -> [Int32] {
    var limit = rlimit()
    _ = unsafe getrlimit(openFiles, &limit)
    limit.rlim_cur = 200
    _ = unsafe setrlimit(openFiles, &limit)
    var taken: [Int32] = []
    while true {
        let descriptor = dup(0)
        if descriptor < 0 { return taken }
        taken.append(descriptor)
    }
}
