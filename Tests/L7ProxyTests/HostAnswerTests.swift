import StickyPolicy
import Testing
import Transport

@testable import L7Proxy

/// What is remembered of a name's look-ups.
@Suite("Answers to host names")
struct HostAnswerTests {
    private static let interval = Duration.seconds(10)
    private static let failed: Result<[IPAddress], HostLookup.Failure> =
        .failure(HostLookup.Failure("no such host"))

    private static func found(
        _ addresses: some Sequence<UInt32>
    ) -> Result<[IPAddress], HostLookup.Failure> {
        .success(addresses.map { IPAddress(v4: $0) })
    }

    private var answer = HostAnswer(due: MonotonicTime(nanoseconds: 0))
    private let now = MonotonicTime(nanoseconds: 1_000)

    private func at(_ seconds: Int) -> MonotonicTime { now + .seconds(seconds) }

    @Test("the same addresses in another order, or twice, are no change")
    mutating func order() {
        let interval = HostAnswerTests.interval
        #expect(answer.take(HostAnswerTests.found([2, 1]), at: now, every: interval) == .addresses)
        #expect(
            answer.take(HostAnswerTests.found([1, 2, 1]), at: now, every: interval) == .nothing)
        #expect(answer.addresses == [IPAddress(v4: 1), IPAddress(v4: 2)])
    }

    @Test("of many addresses 64 are kept", arguments: [63, 64, 65, 1_000])
    mutating func bound(count: UInt32) {
        _ = answer.take(
            HostAnswerTests.found(1...count), at: now, every: HostAnswerTests.interval)
        #expect(answer.addresses?.count == min(64, Int(count)))
    }

    @Test("a failure, or an answer without addresses, keeps the last good one, and is news once")
    mutating func failure() {
        let interval = HostAnswerTests.interval
        _ = answer.take(HostAnswerTests.found([1]), at: now, every: interval)
        #expect(
            answer.take(HostAnswerTests.failed, at: now, every: interval)
                == .failed(reason: "no such host"))
        #expect(answer.take(HostAnswerTests.failed, at: now, every: interval) == .nothing)
        #expect(
            answer.take(HostAnswerTests.found([]), at: now, every: interval)
                == .failed(reason: "it has no addresses"))
        #expect(answer.addresses == [IPAddress(v4: 1)])
        #expect(answer.take(HostAnswerTests.found([1]), at: now, every: interval) == .recovered)
        #expect(answer.failure == nil)
    }

    @Test("of names that are due, those that have waited longest come first")
    func turns() {
        var answers: [String: HostAnswer] = [:]
        for number in 0..<40 { answers["\(number)"] = HostAnswer(due: at(40 - number)) }
        answers["40"]?.isUnderWay = true
        answers["39"]?.isUnderWay = true
        let (names, next) = HostAnswer.due(at: at(20), among: answers, atMost: 3)
        #expect(names == ["38", "37", "36"] && next == at(21))
        let none = HostAnswer.due(at: at(40), among: answers, atMost: 0)
        #expect(none.names == [] && none.next == .distantFuture)
    }

    @Test("what was never found is asked for after 1, 2, 4 and 8 seconds, then at the interval")
    mutating func retries() {
        var pauses: [Duration] = []
        for _ in 0..<6 {
            _ = answer.take(HostAnswerTests.failed, at: now, every: HostAnswerTests.interval)
            pauses.append(answer.due - now)
        }
        #expect(pauses == [1, 2, 4, 8, 10, 10].map { .seconds($0) })
    }
}
