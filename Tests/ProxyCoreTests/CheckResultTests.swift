import HTTPParser
import ProxyCore
import StickyPolicy
import Testing

@Suite struct CheckResultTests {
    private func answer(_ response: String, _ check: HealthCheck) throws -> CheckAnswer {
        let bytes = Array(response.utf8)
        var head = ResponseHead()
        var scanned = 0
        let parser = ResponseParser(limits: ParserLimits())
        let progress = try parser.parse(bytes.span, scannedCount: &scanned, into: &head)
        guard case .complete(let end) = progress else {
            Issue.record("the head is not whole")
            return CheckAnswer(head, in: bytes.span, bodyStart: 0, to: check)
        }
        return CheckAnswer(head, in: bytes.span, bodyStart: end, to: check)
    }

    @Test(
        "what a status means to an application's check",
        arguments: [
            ("HTTP/1.1 200 OK\r\n\r\n", CheckResult.passed),
            ("HTTP/1.0 399 Fine\r\n\r\ndrain", .passed),
            ("HTTP/1.1 404 Not Found\r\n\r\n", .failed(because: "its check answers 404")),
            ("HTTP/1.1 500 No\r\n\r\ndrain", .failed(because: "its check answers 500")),
            (
                "HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy",
                .failed(because: "its check answers 503")
            ),
            (
                "HTTP/1.1 503 No\r\n\r\nstatus: DRAINING",
                .drains(because: "its check answers 503 and drain")
            ),
            (
                "HTTP/1.1 503 No\r\nX-Health: drain\r\n\r\n",
                .drains(because: "its check answers 503 and drain")
            ),
        ])
    func statuses(response: String, result: CheckResult) throws {
        #expect(try answer(response, HealthCheck(.http(path: "/"))).result == result)
    }

    @Test("a 404 drains where the route has disable-on-404")
    func disableOn404() throws {
        var check = HealthCheck(.http(path: "/"))
        check.drainsOn404 = true
        let result = try answer("HTTP/1.1 404 Not Found\r\n\r\n", check).result
        #expect(result == .drains(because: "its check answers 404"))
    }

    @Test("only the statuses that are expected pass")
    func expected() throws {
        var check = HealthCheck(.http(path: "/"))
        check.expected = [204...204, 500...599]
        #expect(try answer("HTTP/1.1 204 No Content\r\n\r\n", check).result == .passed)
        #expect(try answer("HTTP/1.1 503 drain\r\n\r\n", check).result == .passed)
        #expect(try answer("HTTP/1.1 200 OK\r\n\r\n", check).result != .passed)
    }

    @Test(
        "a node says how many pods it has",
        arguments: [
            (#"{"localEndpoints": 2,"serviceProxyHealthy": true}"#, 2),
            (#"{"service":{"name":"web"},"localEndpoints":0}"#, 0),
            (#"{"localEndpoints": 12345678}"#, 123_456), (#"{"localEndpoints": x}"#, nil),
            (#"{"localEndpoints":"#, nil), ("", nil),
        ] as [(String, Int?)])
    func nodes(body: String, count: Int?) throws {
        let ready = try answer("HTTP/1.1 200 OK\r\n\r\n" + body, .node(port: 32_000))
        #expect(ready.result == .passed && ready.podCount == count)
    }

    @Test("a node without pods drains")
    func nodeWithoutPods() throws {
        let answer = try answer("HTTP/1.1 503 No\r\n\r\n", .node(port: 32_000))
        #expect(answer.result == .drains(because: "the node has no pods that take new clients"))
    }
}

@Suite struct CheckStreakTests {
    private let check = HealthCheck(.connect)

    private func states(_ results: String) -> [BackendState?] {
        var streak = CheckStreak()
        return results.map { letter in
            switch letter {
            case "+": streak.note(.passed, check)
            case "d": streak.note(.drains(because: ""), check)
            default: streak.note(.failed(because: ""), check)
            }
        }
    }

    @Test(
        "the first result counts at once",
        arguments: zip("+d-", [BackendState.ready, .drain, .down]))
    func first(result: Character, state: BackendState) {
        #expect(states(String(result)) == [state])
    }

    @Test("three failures in a row take a backend down, and two passes bring it back")
    func riseAndFall() {
        #expect(states("+--+---") == [.ready, nil, nil, nil, nil, nil, .down])
        #expect(states("-+-++") == [.down, nil, nil, nil, .ready])
    }

    @Test("a drain counts at once, unless the backend was down")
    func drains() {
        #expect(states("+d") == [.ready, .drain])
        #expect(states("d++") == [.drain, nil, .ready])
        #expect(states("-dd") == [.down, nil, .drain])
    }
}
