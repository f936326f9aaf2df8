import HTTPParser
import StickyPolicy
import Testing
import Transport

@testable import L7Proxy

/// Every exchange is told of once, however it ends.
@Suite("The record of an exchange")
struct ExchangeRecordTests {
    /// A proxy that keeps what its observer is told.
    private func proxy(
        _ records: Records, settings: String = "", annotations: String = "",
        _ script: @escaping ScriptedBackend.Script = ScriptedBackend.answering()
    ) throws -> ProxyUnderTest {
        let backend = try ScriptedBackend(script)
        return try ProxyUnderTest(
            to: backend, annotations: annotations, settings: settings, observing: records)
    }

    @Test("an answered request is complete, with its place, its tries and its bytes")
    func complete() throws {
        let records = Records()
        let client = try proxy(records, annotations: "affinity: cookie").connect()
        for _ in 0..<2 {
            try client.send(post("12345"))
            #expect(try client.readMessage().bodyText == "hello")
        }
        let all = try records.wait(for: 2)
        for record in all {
            #expect(record.end == .complete && record.status == 200 && !record.isLocal)
            #expect(record.method == .post && record.version == .http11)
            #expect(record.place == ExchangeRecord.Place(route: 0, service: 0, backend: 0))
            #expect(record.affinity == .cookie && record.reason == .new)
            #expect(record.attempts == 1)
            #expect(record.requestByteCount == 5 && record.responseByteCount == 5)
            #expect(record.client.description == "127.0.0.1" && !record.isSecure)
            #expect(record.times.arrival <= record.times.forwarding)
            #expect(record.times.forwarding <= record.times.answer)
            #expect(record.times.answer <= record.times.end)
        }
    }

    @Test("pipelined requests are told of one by one")
    func pipelined() throws {
        let records = Records()
        let client = try proxy(records).connect()
        try client.send(get("/1") + get("/2") + get("/3"))
        for _ in 0..<3 { try client.readMessage() }
        client.close()
        #expect(try records.wait(for: 3).count == 3)
    }

    @Test(
        "what the proxy answers for itself is a refusal with its status and its bytes",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", 400), ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
            ("no head at all\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", 413),
        ])
    func refused(request: String, status: Int) throws {
        let records = Records()
        let proxy = try proxy(records, settings: "limits: {requestBody: 8}")
        let answer = try proxy.exchange(request)
        #expect(answer.status == status)
        let record = try records.only()
        #expect(record.end == .refused && record.isLocal && Int(record.status) == status)
        #expect(record.attempts == 0 && record.place.backend == nil)
        #expect(record.responseByteCount == UInt64(answer.body.count))
        #expect(record.requestByteCount == 0)
    }

    @Test("a request that no route takes has no place")
    func noRoute() throws {
        let records = Records()
        let proxy = try ProxyUnderTest(
            file: "routes: [{host: a.b, backends: [\"127.0.0.1:9\"]}]", observing: records)
        #expect(try proxy.exchange(get()).status == 404)
        #expect(try records.only().place == ExchangeRecord.Place())
    }

    @Test("a backend that cannot be reached has failed")
    func unreachable() throws {
        let records = Records()
        let backend = try ScriptedBackend()
        backend.refuseFromNowOn()
        let proxy = try ProxyUnderTest(to: backend, observing: records)
        #expect(try proxy.exchange(get()).status == 502)
        let record = try records.only()
        #expect(record.end == .backendFailed && record.status == 502 && record.attempts == 1)
        #expect(record.place.backend == 0)
    }

    @Test("an answer that breaks off is the backend's failure, with the status that was told")
    func truncated() throws {
        let records = Records()
        let proxy = try proxy(records) { wire, _ in
            _ = try wire.readMessageIfAny()
            try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1234")
        }
        _ = try proxy.connect(sending: get()).readToEnd()
        let record = try records.only()
        #expect(record.end == .backendFailed && record.status == 200)
        #expect(record.responseByteCount == 4)
    }

    @Test("a client that leaves while its answer is on the way has left")
    func clientLeft() throws {
        let records = Records()
        let arrived = try Gate()
        let proxy = try proxy(records) { wire, _ in
            _ = try wire.readMessageIfAny()
            arrived.open()
            _ = try wire.readToEnd()
        }
        let client = try proxy.connect(sending: get())
        try arrived.wait()
        client.reset()
        let record = try records.only()
        #expect(record.end == .clientLeft && record.status == 0)
        #expect(record.times.answer == .distantFuture)
    }

    @Test("a client that leaves in the middle of its body has left")
    func halfBody() throws {
        let records = Records()
        let client = try proxy(records).connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1234")
        client.finishSending()
        let record = try records.only()
        #expect(record.end == .clientLeft && record.requestByteCount == 4)
    }

    @Test(
        "whoever is too slow is told by the status",
        arguments: [
            ("timeouts: {backendRead: 100ms}", get(), 504),
            ("timeouts: {requestHead: 100ms}", "GET / HTTP/1.1\r\n", 408),
            (
                "timeouts: {requestBody: 100ms}",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1", 408
            ),
        ])
    func late(settings: String, request: String, status: Int) throws {
        let records = Records()
        let proxy = try proxy(records, settings: settings) { wire, _ in _ = try wire.readToEnd() }
        #expect(try proxy.exchange(request).status == status)
        let record = try records.only()
        #expect(record.end == .timedOut && Int(record.status) == status)
    }

    @Test("connections without a request are no exchanges")
    func nothing() throws {
        let records = Records()
        let proxy = try proxy(records, settings: "timeouts: {clientIdle: 1s}")
        #expect(try proxy.connect().readToEnd().text == "")
        try proxy.connect(sending: "GET / HT").close()
        _ = try proxy.exchange(get())
        proxy.stop()
        #expect(records.all.map(\.status) == [200])
    }

    @Test("what is under way when the process stops was stopped")
    func stopped() throws {
        let records = Records()
        let arrived = try Gate()
        let proxy = try proxy(records) { wire, _ in
            _ = try wire.readMessageIfAny()
            arrived.open()
            _ = try wire.readToEnd()
        }
        let client = try proxy.connect(sending: get())
        try arrived.wait()
        proxy.stop()
        _ = try client.readToEnd()
        #expect(try records.only().end == .stopped)
    }

    @Test("a request that went to a second backend has two tries and one record")
    func retried() throws {
        let records = Records()
        let dead = try ScriptedBackend()
        dead.refuseFromNowOn()
        let live = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: dead, live, observing: records)
        for _ in 0..<2 { #expect(try proxy.exchange(get()).status == 200) }
        let all = try records.wait(for: 2)
        #expect(all.map(\.attempts).sorted() == [1, 2])
        #expect(all.allSatisfy { $0.place.backend == 1 && $0.end == .complete })
    }
}

/// A tunnel is one exchange, from its request to its end.
@Suite("The record of a tunnel")
struct TunnelRecordTests {
    private static let opening = get(
        "/", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    private static let opened = head(
        "HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")

    private let records = Records()

    /// A client whose tunnel is open, and has carried four bytes up and three down.
    private func open() throws -> (proxy: ProxyUnderTest, client: Wire, backend: ScriptedBackend) {
        let backend = try ScriptedBackend { wire, _ in
            guard try wire.readMessageIfAny() != nil else { return }
            try wire.send(TunnelRecordTests.opened)
            _ = try wire.read(exactly: 4)
            try wire.send([0x82, 0x01, 0x00])
            _ = try wire.readToEnd()
        }
        let proxy = try ProxyUnderTest(to: backend, observing: records)
        let client = try proxy.connect(sending: TunnelRecordTests.opening)
        #expect(try client.readMessage(.none).status == 101)
        try client.send([0x82, 0x80, 0, 0])
        _ = try client.read(exactly: 3)
        #expect(records.all.isEmpty)
        return (proxy, client, backend)
    }

    @Test("a tunnel that both sides end is complete, with the bytes that it carried")
    func complete() throws {
        let client = try open().client
        client.finishSending()
        _ = try client.readToEnd()
        let record = try records.only()
        #expect(record.end == .complete && record.status == 101 && record.isTunnel)
        #expect(record.requestByteCount == 4 && record.responseByteCount == 3)
        #expect(record.place == ExchangeRecord.Place(route: 0, service: 0, backend: 0))
    }

    @Test("a tunnel whose client vanishes was left by its client")
    func clientLeft() throws {
        try open().client.reset()
        #expect(try records.only().end == .clientLeft)
    }

    @Test("a tunnel that is cut with the process was stopped")
    func stopped() throws {
        let (proxy, client, _) = try open()
        proxy.stop()
        _ = try client.readToEnd()
        #expect(try records.only().end == .stopped)
    }

    @Test("a tunnel that outlives its configuration still knows the names of its place")
    func reloaded() throws {
        let (proxy, client, backend) = try open()
        proxy.reload("routes: [{host: other.example, backends: [\"127.0.0.1:9\"]}]")
        // Answered by the new configuration, so the worker has it.
        while try proxy.exchange(get()).status != 404 {}
        client.reset()
        let all = try records.wait { $0.last?.isTunnel == true }
        let names = try #require(all.last?.names)
        #expect(names.route == "*/" && names.backend == backend.address)
        #expect(names.service == "*/")
    }
}
