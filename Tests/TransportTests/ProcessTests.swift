import Glibc
import Synchronization
import Testing

@testable import Transport

@Suite("The process")
struct ProcessTests {
    @Test("at least one processor is usable, and no more than the mask allows")
    func usableCount() {
        let count = Processors.usableCount()
        #expect(count >= 1)
        #expect(count <= sysconf(Int32(_SC_NPROCESSORS_CONF)))
    }

    @Test(
        "a quota of version 2 is rounded up",
        arguments: [
            ("200000 100000\n", 2), ("150000 100000\n", 2), ("50000 100000\n", 1),
            ("1000000 100000", 10), ("max 100000\n", nil), ("", nil), ("0 100000\n", nil),
            ("100000 0\n", nil), ("99999999999999999999 100000\n", nil), ("1 2 3", nil),
        ] as [(String, Int?)])
    func quota(text: String, count: Int?) {
        #expect(CPUQuota.count(ofMax: text) == count)
    }

    @Test("a quota of version 1 of -1 is none")
    func noQuota() {
        #expect(CPUQuota.count(quota: "-1\n", period: "100000\n") == nil)
        #expect(CPUQuota.count(quota: "300000\n", period: "100000\n") == 3)
    }

    @Test("the group and all its parents are asked")
    func groups() {
        let text = "12:cpu:/old\n0::/kube/pod1\n"
        #expect(CPUQuota.groupPath(in: text) == "/kube/pod1")
        #expect(CPUQuota.groupPath(in: "12:cpu:/old\n") == nil)
        #expect(CPUQuota.ancestors(of: "/kube/pod1") == ["/", "/kube/", "/kube/pod1/"])
        #expect(CPUQuota.ancestors(of: "/") == ["/"])
    }

    @Test("a blocked signal waits for its reader, and the time of waiting is bounded")
    func signals() throws {
        let received = Mutex<[Int32?]>([])
        let thread = try startThread(name: "signals") {
            Signals.block([SIGUSR1])
            _ = pthread_kill(pthread_self(), SIGUSR1)
            let first = Signals.wait(for: [SIGUSR1], timeout: .seconds(5))
            let second = Signals.wait(for: [SIGUSR1], timeout: .milliseconds(1))
            received.withLock { $0 = [first, second] }
        }
        thread.join()
        #expect(received.withLock { $0 } == [SIGUSR1, nil])
    }

    @Test("time is added without running over")
    func time() {
        let start = MonotonicTime(nanoseconds: 1_000)
        #expect((start + .nanoseconds(500)).nanoseconds == 1_500)
        #expect(start + .seconds(Int64.max) == .distantFuture)
        #expect(MonotonicTime.distantFuture + .nanoseconds(1) == .distantFuture)
        #expect(start + .seconds(-1) == start)
        #expect(MonotonicTime(nanoseconds: 400) - start == .nanoseconds(-600))
        #expect(Duration.milliseconds(1_500).wholeNanoseconds == 1_500_000_000)
        let first = MonotonicTime.now()
        #expect(MonotonicTime.now() >= first)
    }
}
