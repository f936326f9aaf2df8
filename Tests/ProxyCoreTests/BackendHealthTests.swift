import ProxyCore
import StickyPolicy
import Testing

@Suite struct BackendHealthTests {
    private let rule = PassiveHealth()

    private func ejected(at now: UInt64 = 1_000) -> BackendHealth {
        var health = BackendHealth()
        for _ in 0..<3 { _ = health.requestFailed(at: now, rule) }
        return health
    }

    @Test("the third failure in a row ejects, once")
    func ejection() {
        var health = BackendHealth()
        let changes = (0..<5).map { _ in health.requestFailed(at: 1_000, rule) }
        #expect(changes == [.none, .none, .ejected, .none, .none])
        #expect(health.isEjected && health.outUntil == 11_000)
    }

    @Test("one success among failures begins the count anew")
    func successResets() {
        var health = BackendHealth()
        for _ in 0..<2 { _ = health.requestFailed(at: 1_000, rule) }
        let change = health.requestSucceeded()
        #expect(change == .none && health.isSpotless)
        for _ in 0..<2 { _ = health.requestFailed(at: 1_000, rule) }
        #expect(!health.isEjected)
    }

    @Test("maxFails 0 ejects nobody")
    func never() {
        var rule = PassiveHealth()
        rule.maxFails = 0
        var health = BackendHealth()
        let changes = (0..<300).map { _ in health.requestFailed(at: 1, rule) }
        #expect(changes.allSatisfy { $0 == .none })
        #expect(!health.isEjected)
    }

    @Test("255 failures are the most that are asked for, and are counted")
    func manyFails() {
        var rule = PassiveHealth()
        rule.maxFails = 255
        var health = BackendHealth()
        let changes = (0..<255).map { _ in health.requestFailed(at: 1, rule) }
        #expect(changes.firstIndex(of: .ejected) == 254)
    }

    @Test("a trial is due when the time is over, and only one claims it")
    func trialIsOne() {
        var health = ejected()
        let claims = [10_999, 11_000, 11_000, 20_999, 21_000].map { now in
            health.claimTrial(at: now, rule)
        }
        // A claim that nobody used is forgotten.
        #expect(claims == [false, true, false, false, true])
    }

    @Test("a trial that succeeds brings the backend back without a trace")
    func trialSucceeds() {
        var health = ejected()
        _ = health.claimTrial(at: 11_000, rule)
        let change = health.requestSucceeded()
        #expect(change == .recovered && health == BackendHealth())
    }

    @Test("a trial that fails costs another failTimeout, and says nothing new")
    func trialFails() {
        var health = ejected()
        _ = health.claimTrial(at: 11_000, rule)
        let change = health.requestFailed(at: 12_000, rule)
        #expect(change == .none && health.outUntil == 22_000)
        // Late failures of older requests do not prolong it.
        _ = health.requestFailed(at: 13_000, rule)
        #expect(health.outUntil == 22_000)
    }

    @Test("the worse of the two checks counts, and requests do not wipe it out")
    func checks() {
        var health = BackendHealth()
        health.note(.drain, by: .node)
        #expect(health.checked == .drain)
        health.note(.down, by: .application)
        #expect(health.checked == .down)
        for _ in 0..<3 { _ = health.requestFailed(at: 1, rule) }
        let change = health.requestSucceeded()
        #expect(change == .recovered && health.checked == .down && health.isSpotless)
        health.note(.ready, by: .application)
        #expect(health.checked == .drain)
        health.note(.ready, by: .node)
        #expect(health == BackendHealth())
    }
}

@Suite struct ServiceStatesTests {
    private enum Condition { case well, ejected, draining, dead }

    private func health(_ condition: Condition) -> BackendHealth {
        var health = BackendHealth()
        switch condition {
        case .well: break
        case .ejected: for _ in 0..<3 { _ = health.requestFailed(at: 1, PassiveHealth()) }
        case .draining: health.note(.drain, by: .node)
        case .dead: health.note(.down, by: .application)
        }
        return health
    }

    private func states(
        _ conditions: [Condition], wanted: [BackendState]? = nil, threshold: Int = 50
    ) -> ServiceStates {
        ServiceStates(
            wanted: wanted ?? conditions.map { _ in .ready }, health: conditions.map(health),
            panicThreshold: threshold)
    }

    @Test("as many as the threshold may be ejected, and with one more all are used")
    func panic() {
        #expect(states([.ejected, .well]).states == [.down, .ready])
        #expect(states([.ejected, .ejected, .well, .well]).doubt == .nothing)
        let panicking = states([.ejected, .ejected, .well])
        #expect(panicking.states == [.ready, .ready, .ready] && panicking.doubt == .ejections)
        #expect(
            states([.ejected, .ejected, .well], threshold: 70).states == [.down, .down, .ready])
    }

    @Test("the last backend is never out, whatever the threshold")
    func lastBackend() {
        #expect(states([.ejected], threshold: 100).states == [.ready])
        #expect(states([.ejected, .ejected], threshold: 100).states == [.ready, .ready])
        #expect(states([.dead]).states == [.ready])
        #expect(states([.dead, .dead]).doubt == .downs)
    }

    @Test("what checks found down stays down while another is ready, also in panic")
    func checksAreTrusted() {
        #expect(states([.dead, .dead, .well]).states == [.down, .down, .ready])
        #expect(states([.dead, .ejected, .well]).states == [.down, .ready, .ready])
    }

    @Test("when nobody is ready, drains are doubted before ejections keep anybody out")
    func doubtInOrder() {
        #expect(states([.draining, .draining]).states == [.ready, .ready])
        #expect(states([.draining, .dead]).states == [.ready, .down])
        #expect(states([.draining, .ejected]).states == [.drain, .ready])
    }

    @Test("health makes nothing better than the operator wants it")
    func operatorWins() {
        let wanted: [BackendState] = [.down, .drain, .ready]
        #expect(states([.well, .well, .well], wanted: wanted).states == wanted)
        #expect(states([.well, .dead, .ejected], wanted: wanted).states == [.down, .down, .ready])
        #expect(states([.dead, .dead], wanted: [.drain, .drain]).states == [.drain, .drain])
    }
}
