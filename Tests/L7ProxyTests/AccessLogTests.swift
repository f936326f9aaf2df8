import Glibc
import Testing

/// What the access log says.
@Suite("Access log")
struct AccessLogTests {
    private let directory: LogDirectory
    private let backend: ScriptedBackend

    init() throws {
        directory = try LogDirectory()
        backend = try ScriptedBackend()
    }

    private func proxy(_ format: String, settings: String = "") throws -> ProxyUnderTest {
        try ProxyUnderTest(
            to: backend, annotations: "affinity: cookie",
            settings: "accessLog: {format: \(format), path: \(directory.log)}\n\(settings)")
    }

    /// The text behind a key of a JSON line, up to the next one.
    private func value(_ key: String, of line: String) -> String? {
        let parts = line.split(separator: ",\"\(key)\":", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        return String(parts[1].split(separator: ",\"", maxSplits: 1)[0])
    }

    @Test("a JSON line says who asked what, where it went, why, and how it ended")
    func json() throws {
        let proxy = try proxy("json")
        let request = get("/a?b=c", "User-Agent: test/1", "Referer: http://a/", "Content-Length: 2")
        #expect(try proxy.exchange(request + "xy").status == 200)
        let line = try directory.wait(for: 1)[0]
        let sent = try #require(backend.requests.first)
        let expected = [
            "peer": "\"127.0.0.1\"", "client": "\"127.0.0.1\"", "method": "\"GET\"",
            "target": "\"/a?b=c\"", "host": "\"test.example\"", "protocol": "\"HTTP/1.1\"",
            "tls": "false", "referrer": "\"http://a/\"", "user_agent": "\"test/1\"",
            "request_id": "\"\(sent["X-Request-ID"] ?? "")\"", "status": "200", "local": "false",
            "end": "\"complete\"", "request_bytes": "2", "response_bytes": "5",
            "affinity": "\"cookie\"", "reason": "\"new\"", "tries": "1", "route": "\"*/\"",
            "service": "\"*/\"", "backend": "\"\(backend.address)\"}",
        ]
        for (key, expected) in expected { #expect(value(key, of: line) == expected, "\(key)") }
        for key in ["duration_ms", "forward_ms", "answer_ms"] {
            #expect(value(key, of: line).flatMap(Double.init) != nil, "\(key)")
        }
        #expect(line.hasPrefix("{\"time\":\"20") && line.hasSuffix("}"))
    }

    @Test("a message that is no request has a line without its words")
    func noRequest() throws {
        let proxy = try proxy("json")
        #expect(try proxy.exchange("no head\r\n\r\n").status == 400)
        let line = try directory.wait(for: 1)[0]
        for key in ["method", "target", "protocol", "request_id", "route", "service"] {
            #expect(value(key, of: line) == "null", "\(key)")
        }
        #expect(value("status", of: line) == "400" && value("end", of: line) == "\"refused\"")
        #expect(value("tries", of: line) == "0" && value("local", of: line) == "true")
    }

    @Test("a combined line is one as nginx writes it")
    func combined() throws {
        let proxy = try proxy("combined")
        try proxy.connect(sending: get("/a", "User-Agent: x\"\u{E4}")).readMessage()
        let line = try directory.wait(for: 1)[0]
        #expect(line.hasPrefix("127.0.0.1 - - ["))
        let rest = line.split(separator: "] ", maxSplits: 1).last.map(String.init)
        #expect(rest == "\"GET /a HTTP/1.1\" 200 5 \"-\" \"x\\x22\\xC3\\xA4\"")
        #expect(line.contains(" +0000] "))
    }

    @Test("what a hostile client sends stays inside of its string, and is cut")
    func hostile() throws {
        let proxy = try proxy("json")
        let client = try proxy.connect()
        let agent: [UInt8] = Array("\",\"x\":\"\\".utf8) + [0xFF, 0xC3]
        let target = "/" + String(repeating: "a", count: 4_000)
        try client.send(Array("GET \(target) HTTP/1.1\r\nHost: a\r\nUser-Agent: ".utf8) + agent)
        try client.send("\r\n\r\n")
        #expect(try client.readMessage().status == 200)
        let line = try directory.wait(for: 1)[0]
        #expect(line.contains("\"user_agent\":\"\\\",\\\"x\\\":\\\"\\\\\\ufffd\\ufffd\""))
        #expect(value("target", of: line) == "\"\(target.prefix(2_048))…\"")
    }

    @Test("a client that left has no status, and 499 in the words of nginx")
    func clientLeft() throws {
        let arrived = try Gate()
        let backend = try ScriptedBackend { wire, _ in
            _ = try wire.readMessageIfAny()
            arrived.open()
            _ = try wire.readToEnd()
        }
        let proxy = try ProxyUnderTest(
            to: backend,
            settings: "accessLog: {format: combined, path: \(directory.log)}")
        let client = try proxy.connect(sending: get())
        try arrived.wait()
        client.reset()
        #expect(try directory.wait(for: 1)[0].contains("\" 499 0 \""))
    }

    @Test("what was answered before the process ends is in the log")
    func flushed() throws {
        let proxy = try proxy("json")
        let client = try proxy.connect()
        for _ in 0..<200 {
            try client.send(get())
            try client.readMessage()
        }
        client.close()
        proxy.stop()
        #expect(directory.lines().count == 200)
    }

    @Test("no line is lost or torn when every worker writes as fast as it can")
    func complete() throws {
        let proxy = try ProxyUnderTest(
            to: backend, settings: "accessLog: {format: json, path: \(directory.log)}", workers: 3)
        for _ in 0..<30 {
            let client = try proxy.connect()
            try client.send(
                String(repeating: get("/" + String(repeating: "a", count: 300)), count: 40))
            for _ in 0..<40 { try client.readMessage() }
        }
        proxy.stop()
        let lines = directory.lines()
        #expect(lines.count == 1_200)
        #expect(lines.allSatisfy { $0.hasPrefix("{\"time\":") && $0.hasSuffix("}") })
    }

    @Test("a reload changes format and path, and ends the log")
    func reload() throws {
        let proxy = try proxy("json")
        _ = try proxy.exchange(get("/1"))
        _ = try directory.wait(for: 1)
        let routes = "routes: [{backends: [\"\(backend.address)\"]}]\n"
        proxy.reload(routes + "accessLog: {format: combined, path: \(directory.path)/other.log}")
        // The worker takes orders when it comes to them: ask until it has.
        while directory.lines(of: "other.log").isEmpty { _ = try proxy.exchange(get("/2")) }
        proxy.reload(routes)
        let client = try proxy.connect(sending: get("/last"))
        try client.readMessage()
        proxy.stop()
        let before = directory.lines()
        #expect(before.allSatisfy { !$0.contains("/last") })
        #expect(
            directory.lines(of: "other.log").contains { $0.contains("\"GET /2 HTTP/1.1\" 200") })
    }

    @Test("a tunnel has its line when it ends, with the names of a place that is gone")
    func tunnel() throws {
        let backend = try ScriptedBackend { wire, _ in
            guard try wire.readMessageIfAny() != nil else { return }
            try wire.send(
                head(
                    "HTTP/1.1 101 Switching Protocols", "Connection: Upgrade",
                    "Upgrade: websocket", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
            _ = try wire.readToEnd()
        }
        let log = "accessLog: {format: json, path: \(directory.log)}"
        let proxy = try ProxyUnderTest(to: backend, settings: log)
        let client = try proxy.connect(
            sending: get(
                "/chat", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
        #expect(try client.readMessage(.none).status == 101)
        proxy.reload("routes: [{host: other.example, backends: [\"127.0.0.1:9\"]}]\n" + log)
        while try proxy.exchange(get("/next")).status != 404 {}
        client.reset()
        while true {
            guard let line = directory.lines().first(where: { $0.contains("/chat") }) else {
                continue
            }
            #expect(value("status", of: line) == "101")
            #expect(value("backend", of: line) == "\"\(backend.address)\"}")
            #expect(value("end", of: line) == "\"client_left\"")
            return
        }
    }
}
