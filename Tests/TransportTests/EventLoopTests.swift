import Glibc
import Synchronization
import Testing

@testable import Transport

@Suite("The event loop")
struct EventLoopTests {
    @Test("deadlines pass in their order and not early")
    func deadlines() throws {
        let loop = try EventLoop()
        let pipes = try (0..<3).map { _ in try Piped(on: loop) }
        var passed: [Int] = []
        let start = MonotonicTime.now()
        for (index, milliseconds) in [60, 20, 40].enumerated() {
            let deadline = start + .milliseconds(milliseconds)
            pipes[index].connection.deadline = deadline
            pipes[index].recorder.onDeadline = { connection in
                passed.append(index)
                #expect(loop.now >= deadline)
                #expect(connection.deadline == nil)
                connection.close()
            }
        }
        turn(loop) { passed.count == 3 }
        #expect(passed == [1, 2, 0])
    }

    @Test("a deadline that was moved back passes once, at its new time")
    func lazyRearming() throws {
        let pipe = try Piped(on: EventLoop())
        let early = pipe.loop.now + .milliseconds(10)
        let late = early + .milliseconds(40)
        pipe.connection.deadline = early
        pipe.connection.deadline = late
        // The wheel still holds the early one.
        #expect(pipe.connection.armedTime == early)
        pipe.recorder.onDeadline = { _ in #expect(pipe.loop.now >= late) }
        turn(pipe.loop) { pipe.recorder.deadlineCount == 1 }
        #expect(pipe.connection.armedTime == .distantFuture)
        pipe.connection.close()
    }

    @Test("a deadline that was taken away does not pass, one that was moved forward does")
    func cancelling() throws {
        let loop = try EventLoop()
        let (kept, cancelled) = (try Piped(on: loop), try Piped(on: loop))
        cancelled.connection.deadline = loop.now + .milliseconds(5)
        cancelled.connection.deadline = nil
        kept.connection.deadline = loop.now + .seconds(3_600)
        kept.connection.deadline = loop.now + .milliseconds(30)
        turn(loop) { kept.recorder.deadlineCount == 1 }
        #expect(cancelled.recorder.deadlineCount == 0)
        kept.connection.close()
        cancelled.connection.close()
    }

    @Test("waiting for a deadline is waiting, down to its last millisecond")
    func noSpinning() throws {
        let pipe = try Piped(on: EventLoop())
        pipe.connection.deadline = pipe.loop.now + .milliseconds(30)
        var turnCount = 0
        while pipe.recorder.deadlineCount == 0 {
            pipe.loop.turn()
            turnCount += 1
        }
        // One for the new connection's first event, one for the deadline, one to spare.
        #expect(turnCount <= 3)
        pipe.connection.close()
    }

    @Test("another thread wakes the loop, and stops it so")
    func wakeups() throws {
        let loop = try EventLoop()
        let mailbox = loop.mailbox
        let wakeCount = 100
        let seen = Atomic(0)
        // Each wake waits until the one before it was seen: none may get lost.
        let thread = try startThread(name: "waker") { [mailbox] in
            for _ in 0..<wakeCount { mailbox.wake() }
        }
        loop.onWake = {
            seen.add(1, ordering: .relaxed)
            loop.stop()
        }
        loop.run()
        thread.join()
        // What came later may still be there, in one event.
        let before = seen.load(ordering: .relaxed)
        mailbox.wake()
        loop.run()
        #expect(seen.load(ordering: .relaxed) > before)
        loop.onWake = nil
    }

    @Test("each of many wakes that are awaited one by one arrives")
    func wakeupsOneByOne() throws {
        let loop = try EventLoop()
        var wakeCount = 0
        loop.onWake = { wakeCount += 1 }
        for expected in 1...100 {
            loop.mailbox.wake()
            loop.turn(waitingAtMost: .seconds(5))
            #expect(wakeCount == expected)
        }
        loop.turn(waitingAtMost: .zero)
        #expect(wakeCount == 100)
        loop.onWake = nil
    }

    @Test("a connection that asks is called in the next turn, without an event, once")
    func runAgain() throws {
        let pipe = try Piped(on: EventLoop())
        #expect(pipe.peer.write("hello") == .bytes(5))
        pipe.recorder.onReady = { connection in
            guard pipe.recorder.readyCount == 1 else { return }
            pipe.loop.runAgain(connection)
            connection.runAgain()
        }
        turn(pipe.loop) { pipe.recorder.readyCount == 1 }
        // It does not wait: there is something to do.
        pipe.loop.turn()
        #expect(pipe.recorder.readyCount == 2)
        pipe.loop.turn(waitingAtMost: .zero)
        #expect(pipe.recorder.readyCount == 2)
        pipe.connection.close()
    }

    @Test("one that asks and has an event in the next turn is called once")
    func runAgainWithEvent() throws {
        let pipe = try Piped(on: EventLoop())
        pipe.connection.runAgain()
        #expect(pipe.peer.write("hello") == .bytes(5))
        pipe.loop.turn(waitingAtMost: .zero)
        #expect(pipe.recorder.readyCount == 1)
        #expect(pipe.connection.isReadable)
        pipe.connection.close()
    }

    @Test("a turn ends after its events and deadlines")
    func turnEnd() throws {
        let pipe = try Piped(on: EventLoop())
        var steps: [String] = []
        pipe.recorder.onReady = { _ in steps.append("event") }
        pipe.recorder.onDeadline = { _ in steps.append("deadline") }
        pipe.loop.onTurnEnd = { steps.append("end") }
        pipe.connection.deadline = pipe.loop.now
        #expect(pipe.peer.write("hello") == .bytes(5))
        // Later than the slot of the deadline, so that one turn meets both.
        let slotEnd = pipe.loop.now + .milliseconds(10)
        while MonotonicTime.now() < slotEnd {}
        pipe.loop.turn(waitingAtMost: .zero)
        #expect(steps == ["event", "deadline", "end"])
        pipe.loop.onTurnEnd = nil
        pipe.connection.close()
    }

    @Test("an object that is kept until the turn's end is freed then, and may keep another")
    func keeping() throws {
        final class Chained {
            let loop: EventLoop
            var next: Chained?
            init(loop: EventLoop, next: Chained?) {
                self.loop = loop
                self.next = next
            }
            deinit {
                if let next { loop.keepUntilTurnEnd(next) }
            }
        }
        let loop = try EventLoop()
        weak var observed: Chained?
        do {
            let last = Chained(loop: loop, next: nil)
            observed = last
            loop.keepUntilTurnEnd(Chained(loop: loop, next: last))
        }
        #expect(observed != nil)
        loop.turn(waitingAtMost: .zero)
        #expect(observed == nil)
    }

    @Test("the clock of a turn goes on with the turns")
    func clock() throws {
        let loop = try EventLoop()
        let before = loop.now
        loop.turn(waitingAtMost: .zero)
        #expect(loop.now > before)
        #expect(abs(loop.unixSeconds - WallClock.unixSeconds()) <= 1)
        #expect(loop.unixSeconds > 1_700_000_000)
    }
}
