import Testing

@testable import Transport

@Suite("The timer wheel")
struct TimerWheelTests {
    private static let millisecond: UInt64 = 1_000_000
    /// A beginning that is no slot's beginning.
    private let start = MonotonicTime(nanoseconds: 5_000_000_123)

    private func after(_ milliseconds: UInt64) -> MonotonicTime {
        start.advanced(byNanoseconds: milliseconds * Self.millisecond)
    }

    /// Goes on millisecond by millisecond and notes when each owner came.
    private func arrivals(
        _ wheel: inout TimerWheel, from first: UInt64 = 0, to last: UInt64
    ) -> [(owner: Int, milliseconds: UInt64)] {
        var arrivals: [(owner: Int, milliseconds: UInt64)] = []
        for milliseconds in first...last {
            wheel.advance(to: after(milliseconds))
            while let owner = wheel.popDue() { arrivals.append((owner, milliseconds)) }
        }
        return arrivals
    }

    @Test(
        "a deadline is never early and at most 9 ms late",
        arguments: [0, 1, 8, 9, 10, 100, 1_000, 34_359, 34_360, 75_000, 120_000] as [UInt64])
    func punctuality(milliseconds: UInt64) {
        var wheel = TimerWheel(now: start)
        wheel.arm(3, at: after(milliseconds))
        let arrivals = arrivals(&wheel, to: milliseconds + 20)
        #expect(arrivals.map(\.owner) == [3])
        for arrival in arrivals {
            #expect(arrival.milliseconds >= milliseconds)
            #expect(arrival.milliseconds <= milliseconds + 9)
        }
    }

    @Test("deadlines of different slots come in their order, in whatever order they were set")
    func order() {
        var wheel = TimerWheel(now: start)
        for (owner, milliseconds) in [(0, 300), (1, 20), (2, 40_000), (3, 100), (4, 60)] {
            wheel.arm(owner, at: after(UInt64(milliseconds)))
        }
        #expect(arrivals(&wheel, to: 41_000).map(\.owner) == [1, 4, 3, 0, 2])
    }

    @Test("deadlines that pass during one long turn come in their order")
    func orderInOneStep() {
        var wheel = TimerWheel(now: start)
        for (owner, milliseconds) in [(0, 300), (1, 20), (2, 9_000), (3, 100), (4, 60)] {
            wheel.arm(owner, at: after(UInt64(milliseconds)))
        }
        #expect(arrivals(&wheel, from: 10_000, to: 10_000).map(\.owner) == [1, 4, 3, 0, 2])
    }

    @Test("a deadline set anew replaces the earlier one")
    func rearming() {
        var wheel = TimerWheel(now: start)
        wheel.arm(0, at: after(50))
        wheel.arm(0, at: after(500))
        wheel.arm(1, at: after(500))
        wheel.arm(1, at: after(50))
        let arrivals = arrivals(&wheel, to: 1_000)
        #expect(arrivals.map(\.owner) == [1, 0])
        #expect(arrivals.allSatisfy { $0.owner == 1 || $0.milliseconds >= 500 })
    }

    @Test("a cancelled deadline does not come, also when it was due already")
    func cancelling() {
        var wheel = TimerWheel(now: start)
        for owner in 0..<3 { wheel.arm(owner, at: after(50)) }
        wheel.cancel(0)
        wheel.cancel(7)
        wheel.advance(to: after(100))
        wheel.cancel(2)
        #expect(wheel.popDue() == 1)
        #expect(wheel.popDue() == nil)
    }

    @Test("one that is set while others come waits for the next tick")
    func armingWhileDue() {
        var wheel = TimerWheel(now: start)
        wheel.arm(0, at: after(50))
        wheel.advance(to: after(100))
        #expect(wheel.popDue() == 0)
        wheel.arm(0, at: after(60))
        #expect(wheel.popDue() == nil)
        wheel.advance(to: after(110))
        #expect(wheel.popDue() == 0)
    }

    @Test("the next visit is never after a deadline's slot, and nil when nothing is set")
    func nextVisit() throws {
        var wheel = TimerWheel(now: start)
        #expect(wheel.nextVisit == nil)
        wheel.arm(0, at: after(500))
        wheel.arm(1, at: after(100))
        let visit = try #require(wheel.nextVisit)
        #expect(visit >= after(100) && visit <= after(109))
        wheel.advance(to: visit)
        #expect(wheel.popDue() == 1)
        let second = try #require(wheel.nextVisit)
        #expect(second >= after(500) && second <= after(509))
        wheel.advance(to: second)
        #expect(wheel.popDue() == 0)
        #expect(wheel.nextVisit == nil)
    }

    @Test("a deadline an hour away costs one visit a rotation, and comes in time")
    func farDeadline() throws {
        var wheel = TimerWheel(now: start)
        wheel.arm(0, at: after(3_600_000))
        wheel.arm(1, at: after(10))
        var visitCount = 0
        var owners: [Int] = []
        while let visit = wheel.nextVisit, visitCount < 200 {
            visitCount += 1
            wheel.advance(to: visit)
            guard let owner = wheel.popDue() else { continue }
            owners.append(owner)
            #expect(visit >= after(owner == 0 ? 3_600_000 : 10))
        }
        #expect(owners == [1, 0])
        #expect((100...110).contains(visitCount))
    }

    @Test("the end of time is a deadline that takes no arithmetic over its edge")
    func distantFuture() {
        var wheel = TimerWheel(now: start)
        wheel.arm(0, at: .distantFuture)
        wheel.arm(1, at: after(10))
        #expect(arrivals(&wheel, to: 100).map(\.owner) == [1])
    }

    @Test("of 20,000 deadlines moved and cancelled at random, each comes once and in time")
    func many() {
        var numbers = SystemRandomNumberGenerator()
        var wheel = TimerWheel(now: start)
        var expected: [Int: UInt64] = [:]
        for _ in 0..<40_000 {
            let owner = Int.random(in: 0..<20_000, using: &numbers)
            if Bool.random(using: &numbers) && expected[owner] != nil {
                wheel.cancel(owner)
                expected[owner] = nil
            } else {
                let milliseconds = UInt64.random(in: 0..<80_000, using: &numbers)
                wheel.arm(owner, at: after(milliseconds))
                expected[owner] = milliseconds
            }
        }
        for (owner, milliseconds) in arrivals(&wheel, to: 80_010) {
            let wanted = expected.removeValue(forKey: owner)
            if let wanted {
                #expect(milliseconds >= wanted && milliseconds <= wanted + 9)
            } else {
                Issue.record("\(owner) came unexpected")
            }
        }
        #expect(expected.isEmpty)
    }
}
