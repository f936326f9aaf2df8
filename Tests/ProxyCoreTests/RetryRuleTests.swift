import ProxyCore
import Testing

@Suite struct RetryRuleTests {
    @Test("by default a broken connection and a timeout are tried again, and no status is")
    func defaults() {
        let rule = RetryRule()
        #expect(rule.allows(.error) && rule.allows(.timeout))
        #expect(!rule.allows(.invalidHeader))
        for status: UInt16 in [200, 403, 404, 429, 500, 502, 503, 504] {
            #expect(!rule.allows(RetryRule.Conditions(status: status)))
        }
        #expect(rule.attemptsMax == 3)
    }

    @Test("a status that is listed is tried again, and one that has no name never")
    func statuses() {
        var rule = RetryRule()
        rule.conditions = [.http502, .http404]
        #expect(rule.allows(RetryRule.Conditions(status: 502)))
        #expect(!rule.allows(RetryRule.Conditions(status: 503)))
        #expect(!rule.allows(RetryRule.Conditions(status: 200)))
        rule.conditions = []
        #expect(!rule.allows(RetryRule.Conditions(status: 501)) && !rule.allows(.error))
    }

    @Test(
        "0 tries mean many, and never more than can be remembered",
        arguments: [(0, 16), (1, 1), (200, 16)])
    func tries(tries: UInt8, most: UInt8) {
        var rule = RetryRule()
        rule.tries = tries
        #expect(rule.attemptsMax == most)
    }
}

@Suite struct RetryBudgetTests {
    /// Retries granted among requests of which each wants one.
    private func granted(requests: Int, over milliseconds: UInt64) -> Int {
        var budget = RetryBudget()
        var count = 0
        // The burst that a backend's death leaves is taken first.
        while budget.take(at: 1_000) { count += 1 }
        #expect(count == 500)
        return (1...requests).count { number in
            budget.requestArrived()
            return budget.take(at: 1_000 + UInt64(number) * milliseconds / UInt64(requests))
        }
    }

    @Test("an outage of every request costs a fifth more requests, and ten a second")
    func fifth() {
        #expect(granted(requests: 10_000, over: 1_000) == 2_010)
        #expect(granted(requests: 10_000, over: 10_000) == 2_100)
    }

    @Test("a request a second may always be tried again")
    func quiet() {
        #expect(granted(requests: 20, over: 20_000) == 20)
    }

    @Test("rest fills the budget to its bound and no further")
    func bound() {
        var budget = RetryBudget()
        while budget.take(at: 0) {}
        var count = 0
        while budget.take(at: 10_000_000_000) { count += 1 }
        #expect(count == 500)
    }
}
