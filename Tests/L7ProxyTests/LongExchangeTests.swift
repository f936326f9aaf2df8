import Testing

@testable import L7Proxy

/// What lasts longer than the configuration that it began under: streams, uploads, tunnels.
@Suite("Exchanges that outlive their configuration")
struct LongExchangeTests {
    /// An exchange that is under way, what its client still sends, and how its answer ends.
    struct Long: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let request: String
        let begun: String
        let rest: String
        let answer: String
        let end: String
    }

    private static let upload = head("POST /old HTTP/1.1", "Host: a", "Content-Length: 9")
    private static let chunked = head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")

    private static let all = [
        Long(
            testDescription: "a stream", request: get("/old"), begun: chunked + "2\r\nhi\r\n",
            rest: "", answer: "2\r\nyo\r\n0\r\n\r\n", end: "yo\r\n0\r\n\r\n"),
        Long(
            testDescription: "an upload", request: upload + "part", begun: "", rest: "whole",
            answer: ok("taken"), end: "\r\n\r\ntaken"),
        Long(
            testDescription: "an upload that is being answered", request: upload + "part",
            begun: chunked + "2\r\nhi\r\n", rest: "whole",
            answer: "2\r\nyo\r\n0\r\n\r\n", end: "yo\r\n0\r\n\r\n"),
        Long(
            testDescription: "a request that is not repeated", request: post("x"), begun: "",
            rest: "", answer: ok("done"), end: "\r\n\r\ndone"),
        Long(
            testDescription: "a tunnel",
            request: get("/old", "Connection: upgrade", "Upgrade: chat"),
            begun: head("HTTP/1.1 101 Go", "Upgrade: chat", "Connection: upgrade"), rest: "ping",
            answer: "pong", end: "pong"),
    ]

    /// Reads what has come of a request, says what has begun, and says the rest when it may.
    private static func backend(_ long: Long, _ hasBegun: Gate, _ mayEnd: Gate) throws
        -> ScriptedBackend
    {
        try ScriptedBackend { wire, _ in
            _ = try wire.read(until: "\r\n\r\n")
            try wire.send(long.begun)
            hasBegun.open()
            try mayEnd.wait()
            if !long.rest.isEmpty { _ = try wire.read(until: long.rest) }
            try wire.send(long.answer)
        }
    }

    /// The long exchange goes to the last of three services, of a file where much else stands
    /// before it; the file behind it has nothing of them.
    private static func file(_ old: ScriptedBackend) -> String {
        """
        limits: {requestBody: 9}
        services:
          one: {backends: ["127.0.0.1:9"]}
          two: {backends: ["127.0.0.1:9"]}
          old: {backends: ["\(old.address)"], passiveHealth: {maxFails: 1}}
        routes:
          - {path: /one, service: one}
          - {path: /two, service: two}
          - {service: old, annotations: {upgrade-protocols: chat}}
        """
    }

    private static func file(new: ScriptedBackend) -> String {
        """
        limits: {requestBody: 1}
        routes: [{backends: ["\(new.address)"]}]
        """
    }

    @Test("what goes on for long keeps no configuration that is gone", arguments: all)
    func letsGo(long: Long) throws {
        let (hasBegun, mayEnd) = (try Gate(), try Gate())
        let old = try LongExchangeTests.backend(long, hasBegun, mayEnd)
        let new = try ScriptedBackend(ScriptedBackend.answering(ok("new")))
        let records = Records()
        let proxy = try ProxyUnderTest(
            file: LongExchangeTests.file(old), backends: [old, new], observing: records)
        weak let before = proxy.snapshot
        let client = try proxy.connect(sending: long.request)
        try hasBegun.wait()
        if !long.begun.isEmpty { _ = try client.read(until: "\r\n\r\n") }
        // What is not in use any more is freed by the next reload.
        for _ in 0..<2 {
            proxy.reload(LongExchangeTests.file(new: new))
            #expect(try proxy.exchange(get()).bodyText == "new")
        }
        #expect(before == nil)
        // By the limits and the place that it began with.
        try client.send(long.rest)
        mayEnd.open()
        #expect(try client.read(until: long.end).hasSuffix(long.end))
        client.close()
        let record = try #require(try records.wait(for: 3).last)
        #expect(record.end == .complete)
        #expect(record.names?.service == "old" && record.names?.backend == old.address)
    }

    @Test("a stream that breaks off after a reload is held against its own backend")
    func breaksOff() throws {
        let (hasBegun, mayBreak) = (try Gate(), try Gate())
        let script = { (name: String) -> ScriptedBackend.Script in
            { wire, _ in
                while let request = try wire.readMessageIfAny() {
                    guard request.startLine.contains("/stream") else {
                        try wire.send(ok(name))
                        continue
                    }
                    try wire.send(LongExchangeTests.chunked + "2\r\nhi\r\n")
                    hasBegun.open()
                    return try mayBreak.wait()
                }
            }
        }
        let backends = try ["one", "two"].map { try ScriptedBackend(script($0)) }
        let file = { (order: [ScriptedBackend]) in
            """
            services:
              web:
                backends: [\(order.map { "\"\($0.address)\"" }.joined(separator: ", "))]
                passiveHealth: {maxFails: 1, failTimeout: 1h}
            routes: [{service: web}]
            """
        }
        let records = Records()
        let proxy = try ProxyUnderTest(
            file: file(backends), backends: backends, observing: records)
        let client = try proxy.connect(sending: get("/stream"))
        try hasBegun.wait()
        _ = try client.read(until: "hi\r\n")
        proxy.reload(file(backends.reversed()))
        _ = try proxy.exchange(get())
        mayBreak.open()
        _ = try client.readToEnd()
        let broken = try records.wait(for: 2).first { $0.end == .backendFailed }
        let other = backends[0].address == broken?.names?.backend ? "two" : "one"
        for _ in 0..<4 { #expect(try proxy.exchange(get()).bodyText == other) }
    }
}
