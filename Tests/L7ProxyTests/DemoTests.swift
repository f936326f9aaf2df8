import HTTPParser
import Testing
import Transport

@testable import L7Proxy

/// A client of the demonstration: sends text, and waits for what comes back.
private final class DemoClient: ConnectionHandler {
    private let loop: EventLoop
    private let connection: Connection
    private(set) var received: [UInt8] = []
    private(set) var hasEnded = false

    init(port: UInt16) throws {
        loop = try EventLoop()
        let address = SocketAddress(high: 0, low: 0xFFFF_7F00_0001, port: port)
        connection = try Connection.connect(to: address, loop: loop)
        connection.handler = self
    }

    deinit { connection.close() }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) { _ = connection.send(bytes.span) }

    func connectionReady(_ connection: Connection) {
        _ = connection.flush()
        while true {
            switch connection.receivePending(reserving: 65_536) {
            case .bytes(let count) where count > 0: takePending()
            case .bytes, .wouldBlock: return
            case .endOfStream, .failed:
                hasEnded = true
                return
            }
        }
    }

    private func takePending() {
        connection.pending?.withBytes { bytes in
            received += bytes.indices.map { bytes[$0] }
        }
        connection.consumePending(connection.pendingByteCount)
    }

    func connectionDeadlinePassed(_ connection: Connection) {}

    var text: String { String(decoding: received, as: UTF8.self) }

    /// Turns the loop until the condition holds; false after 10 seconds without it.
    func wait(until condition: (DemoClient) -> Bool) -> Bool {
        let end = MonotonicTime.now() + .seconds(10)
        while !condition(self), MonotonicTime.now() < end {
            loop.turn(waitingAtMost: .milliseconds(50))
        }
        return condition(self)
    }
}

/// What one request came to, on a connection of its own.
private struct DemoAnswer {
    let text: String

    init(_ path: String, fields: String = "", port: UInt16) throws {
        let client = try DemoClient(port: port)
        client.send("GET \(path) HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\(fields)\r\n")
        try #require(client.wait { $0.hasEnded })
        text = client.text
    }

    func field(_ name: String) -> String? {
        let line = text.split(separator: "\r\n").first { $0.hasPrefix(name + ": ") }
        return line.map { String($0.dropFirst(name.count + 2)) }
    }

    var backend: String? { field("X-Demo-Backend") }
    /// `DEMO=value`, without the attributes.
    var cookie: String? { field("Set-Cookie")?.split(separator: ";").first.map { String($0) } }
}

@Suite("The demonstration")
final class DemoTests {
    private let demo: Demo

    init() throws {
        demo = try Demo(port: 0)
    }

    deinit { demo.stop() }

    private func get(_ path: String, _ fields: String = "") throws -> DemoAnswer {
        try DemoAnswer(path, fields: fields, port: demo.port)
    }

    @Test("the page is for browsers, and a line for those who take anything")
    func page() throws {
        for fields in ["", "Accept: text/css, Text/HTML;q=0.9\r\n"] {
            let answer = try get("/", fields)
            #expect(answer.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.text.contains("<html"))
            #expect(answer.field("Content-Type") == "text/html; charset=utf-8")
        }
        let line = try get("/", "Accept: */*\r\n")
        #expect(line.text.hasSuffix(" answered GET /, its request number 1\n"))
    }

    @Test("with the cookie a client stays, without it all backends are met")
    func cookie() throws {
        let first = try get("/whoami")
        let cookie = try #require(first.cookie)
        let backend = try #require(first.backend)
        #expect(DemoBackends.names.contains(backend))
        let others = try (0..<6).map { _ in try get("/whoami").backend }
        #expect(Set(others) == Set(DemoBackends.names))
        for _ in 0..<6 {
            let again = try get("/whoami", "Cookie: \(cookie)\r\n")
            #expect(again.backend == backend)
            #expect(again.cookie == nil)
        }
    }

    @Test("a client address stays on its route, and the route without affinity spreads")
    func otherRoutes() throws {
        let byAddress = try (0..<6).map { _ in try get("/ip").backend }
        #expect(Set(byAddress).count == 1)
        let spread = try (0..<6).map { _ in try get("/none") }
        #expect(Set(spread.map(\.backend)) == Set(DemoBackends.names))
        #expect(spread.allSatisfy { $0.cookie == nil })
    }

    @Test("the head that the backend saw is told as JSON, with quotes and odd bytes escaped")
    func whoami() throws {
        let answer = try get("/none/whoami", "X-Odd: a\"b\\c\td\r\n")
        #expect(answer.field("Content-Type") == "application/json")
        #expect(answer.text.contains(#"","requests":1,"head":["GET /none/whoami HTTP/1.1","#))
        #expect(answer.text.contains(#""X-Odd: a\"b\\c\u0009d""#))
        #expect(answer.text.hasSuffix("\"]}\n"))
    }

    @Test("the cookie, which no script can touch, is expired on request")
    func forgetting() throws {
        let cookie = try #require(try get("/").cookie)
        let answer = try get("/forget", "Cookie: \(cookie)\r\n")
        #expect(answer.field("Set-Cookie") == "DEMO=; Path=/; Max-Age=0; HttpOnly")
    }

    @Test("a port that is taken already is refused, and not shared")
    func takenPort() {
        #expect(throws: Demo.NotStarted.self) {
            _ = try Demo(port: demo.port)
        }
    }

    @Test("a WebSocket on any path echoes with the name of the cookie's backend")
    func webSocket() throws {
        let first = try get("/")
        let cookie = try #require(first.cookie)
        let backend = try #require(first.backend)
        let client = try DemoClient(port: demo.port)
        client.send(
            """
            GET /any/path HTTP/1.1\r\nHost: demo\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
            Cookie: \(cookie)\r\n\r\n
            """)
        try #require(client.wait { $0.text.hasSuffix("\r\n\r\n") })
        #expect(client.text.hasPrefix("HTTP/1.1 101 "))
        #expect(client.text.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
        client.send(clientFrame(0x81, "hello"))
        let echo = "\(backend): hello"
        #expect(client.wait { $0.received.suffix(echo.utf8.count).elementsEqual(echo.utf8) })
        client.send(clientFrame(0x88, [0x03, 0xE8]))
        #expect(client.wait { $0.hasEnded })
        #expect(client.received.suffix(4) == [0x88, 2, 0x03, 0xE8])
    }
}

@Suite("A backend of the demonstration")
final class DemoBackendTests {
    private let backends: DemoBackends
    private let port: UInt16

    init() throws {
        backends = try DemoBackends()
        port = try #require(backends.addresses.first?.port)
    }

    deinit { backends.stop() }

    @Test("pipelined requests are answered in order, and their bodies passed over")
    func pipelining() throws {
        let client = try DemoClient(port: port)
        client.send(
            """
            POST /1 HTTP/1.1\r\nHost: demo\r\nContent-Length: 5\r\n\r\nGET /\
            POST /2 HTTP/1.1\r\nHost: demo\r\nTransfer-Encoding: chunked\r\n\r\n\
            6\r\nGET / \r\n0\r\n\r\n\
            HEAD /3 HTTP/1.1\r\nHost: demo\r\n\r\n\
            GET /4 HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n
            """)
        try #require(client.wait { $0.hasEnded })
        let lines = client.text.split(whereSeparator: \.isNewline)
        #expect(lines.count { $0 == "HTTP/1.1 200 OK" } == 4)
        // The answer to HEAD has no body (RFC 9110 §9.3.2).
        #expect(
            lines.filter { $0.hasPrefix("blue ") } == [
                "blue answered POST /1, its request number 1",
                "blue answered POST /2, its request number 2",
                "blue answered GET /4, its request number 4",
            ])
    }

    @Test("a body that is expected to be asked for is asked for (RFC 9110 §10.1.1)")
    func expectation() throws {
        let client = try DemoClient(port: port)
        client.send(
            "PUT /1 HTTP/1.1\r\nHost: demo\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        #expect(client.wait { $0.text == "HTTP/1.1 100 Continue\r\n\r\n" })
        client.send("ok")
        #expect(client.wait { $0.text.hasSuffix("answered PUT /1, its request number 1\n") })
    }

    @Test(
        "what is no request is refused and the connection ended",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", "400"),
            ("\u{16}\u{03}\u{01}", "400"),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 70_000))", "431"),
        ])
    func refusal(request: String, status: String) throws {
        let client = try DemoClient(port: port)
        client.send(request)
        try #require(client.wait { $0.hasEnded })
        #expect(client.text.hasPrefix("HTTP/1.1 \(status) "))
    }
}

/// A masked frame of a client.
private func clientFrame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
    let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
    let count = payload.count
    let length: [UInt8] =
        if count < 126 {
            [UInt8(count)]
        } else if count <= 0xFFFF {
            [126, UInt8(count >> 8), UInt8(count & 0xFF)]
        } else {
            [127] + (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }
        }
    let masked = payload.indices.map { payload[$0] ^ mask[$0 % 4] }
    return [first, length[0] | 0x80] + length.dropFirst() + mask + masked
}

private func clientFrame(_ first: UInt8, _ text: String) -> [UInt8] {
    clientFrame(first, Array(text.utf8))
}

/// Shows bytes to a WebSocket until it takes no more, and returns what it wrote.
private func answer(to bytes: [UInt8], by webSocket: inout DemoWebSocket) -> [UInt8] {
    var writer = ByteWriter(capacity: 256 * 1024)
    var offset = 0
    while offset < bytes.count, !webSocket.isOver {
        let count = webSocket.take(bytes.span.extracting(offset..<bytes.count), into: &writer)
        if count == 0 { break }
        offset += count
    }
    return writer.copyBytes()
}

private func answer(to bytes: [UInt8]) -> [UInt8] {
    var webSocket = DemoWebSocket(backendName: "b")
    return answer(to: bytes, by: &webSocket)
}

@Suite("The demonstration's WebSocket")
struct DemoWebSocketTests {
    @Test("text is echoed, in one frame or several, with a ping between (RFC 6455 §5.4)")
    func echo() {
        #expect(answer(to: clientFrame(0x81, "hi")) == [0x81, 5] + Array("b: hi".utf8))
        #expect(answer(to: clientFrame(0x81, "")) == [0x81, 3] + Array("b: ".utf8))
        let parts = clientFrame(0x01, "a") + clientFrame(0x89, "?") + clientFrame(0x80, "z")
        #expect(answer(to: parts) == [0x8A, 1, 0x3F, 0x81, 5] + Array("b: az".utf8))
        #expect(answer(to: clientFrame(0x8A, "unasked")) == [])
    }

    @Test(
        "the length of an answer is in its shortest form (RFC 6455 §5.2)",
        arguments: [
            (122, [125]), (123, [126, 0, 126]), (65_532, [126, 0xFF, 0xFF]),
            (65_533, [127, 0, 0, 0, 0, 0, 1, 0, 0]), (65_536, [127, 0, 0, 0, 0, 0, 1, 0, 3]),
        ] as [(Int, [UInt8])])
    func lengths(count: Int, length: [UInt8]) {
        let text = [UInt8](repeating: 0x78, count: count)
        let expected = [0x81] + length + Array("b: ".utf8) + text
        #expect(answer(to: clientFrame(0x81, text)) == expected)
    }

    @Test("nothing is answered before a frame is whole, wherever it is cut")
    func cuts() {
        for frame in [clientFrame(0x81, "hello"), clientFrame(0x89, "")] {
            for end in 0..<frame.count {
                #expect(answer(to: Array(frame[..<end])) == [])
            }
        }
    }

    @Test(
        "a frame that breaks a rule closes with the code that names it (RFC 6455 §7.4.1)",
        arguments: [
            ([0x81, 0x00], 1002),  // not masked
            ([0xC1, 0x80], 1002),  // a reserved bit
            ([0x83, 0x80], 1002),  // a reserved opcode
            ([0x09, 0x80], 1002),  // a fragmented ping
            ([0x89, 0xFE], 1002),  // a long ping
            ([0x80, 0x80, 0, 0, 0, 0], 1002),  // a continuation of nothing
            ([0x81, 0xFE, 0, 125], 1002),  // not the shortest form of a length
            ([0x82, 0x80, 0, 0, 0, 0], 1003),  // binary
            ([0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007),  // not UTF-8
            ([0x81, 0xFF, 0, 0, 0, 0, 0, 1, 0, 1], 1009),  // 65,537 bytes
            ([0x81, 0xFF] + [UInt8](repeating: 0xFF, count: 8), 1009),  // 2^64 - 1 bytes
            ([0x88, 0x81, 0, 0, 0, 0, 3], 1002),  // half a status code
            ([0x88, 0x82, 0, 0, 0, 0, 3, 0xED], 1002),  // 1005, which is never sent
        ] as [([UInt8], UInt16)])
    func violations(frame: [UInt8], code: UInt16) {
        #expect(answer(to: frame) == [0x88, 2, UInt8(code >> 8), UInt8(code & 0xFF)])
    }

    @Test("a message in pieces is bounded like one in one piece")
    func fragmentedBound() {
        let half = [UInt8](repeating: 0x78, count: 40_000)
        let bytes = clientFrame(0x01, half) + clientFrame(0x80, half)
        #expect(answer(to: bytes) == [0x88, 2, 0x03, 0xF1])
    }

    @Test("a text inside another's pieces is refused (RFC 6455 §5.4)")
    func mixedMessages() {
        let bytes = clientFrame(0x01, "a") + clientFrame(0x81, "b")
        #expect(answer(to: bytes) == [0x88, 2, 0x03, 0xEA])
    }

    @Test("a Close is answered with its own code, and ends it (RFC 6455 §5.5.1)")
    func closing() {
        var webSocket = DemoWebSocket(backendName: "b")
        let bytes = clientFrame(0x88, [0x03, 0xE9, 0x78]) + clientFrame(0x81, "late")
        #expect(answer(to: bytes, by: &webSocket) == [0x88, 2, 0x03, 0xE9])
        #expect(webSocket.isOver)
        #expect(answer(to: clientFrame(0x88, "")) == [0x88, 0])
    }

    @Test("random bytes never take more than there is, and never trap")
    func randomBytes() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            var webSocket = DemoWebSocket(backendName: "b")
            var writer = ByteWriter(capacity: 256 * 1024)
            let bytes = (0..<40).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            let count = webSocket.take(bytes.span, into: &writer)
            #expect((0...bytes.count).contains(count), "\(bytes)")
            let hasOverflowed = writer.hasOverflowed
            #expect(!hasOverflowed, "\(bytes)")
        }
    }
}
