import Glibc
import Synchronization
import Testing
import Transport

/// What becomes of everything when the process is told to end.
@Suite("Draining")
struct DrainTests {
    private static let handshake = get(
        "/", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    private static let accepted = head(
        "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    /// Close 1001, as a server sends it and as a client does, with a mask of zeros.
    private static let close: [UInt8] = [0x88, 2, 0x03, 0xE9]
    private static let maskedClose: [UInt8] = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE9]

    /// The code of a masked Close frame.
    private static func code(of frame: [UInt8]) -> Int {
        Int(frame[6] ^ frame[2]) << 8 | Int(frame[7] ^ frame[3])
    }

    /// Drains in the background, as the proxy itself does.
    private func drain(_ proxy: ProxyUnderTest) throws -> Transport.Thread {
        try startThread(name: "drain") { proxy.drain() }
    }

    /// The same with signals, which come to its thread alone: the main thread to this proxy.
    private func drain(_ proxy: ProxyUnderTest, after signal: Int32?) throws -> (
        thread: Transport.Thread, id: pthread_t
    ) {
        let hasBegun = try Gate()
        let id = Mutex(pthread_self())
        let thread = try startThread(name: "drain") {
            id.withLock { $0 = pthread_self() }
            hasBegun.open()
            if let signal { raise(signal) }
            proxy.drain()
        }
        try hasBegun.wait()
        return (thread, id.withLock { $0 })
    }

    @Test("a WebSocket is told to go by Close 1001 on both sides (RFC 6455 §7.4.1)")
    func bothSides() throws {
        let backend = try ScriptedBackend { wire, _ in
            _ = try wire.read(until: "\r\n\r\n")
            try wire.send(DrainTests.accepted)
            let frame = try wire.read(exactly: 8)
            #expect(frame[0] == 0x88 && frame[1] == 0x82)
            #expect(DrainTests.code(of: frame) == 1001)
            try wire.send(DrainTests.close)
            #expect(try wire.readToEnd().text == "")
        }
        let proxy = try ProxyUnderTest(to: backend, settings: "timeouts: {drain: 20s}")
        let client = try proxy.connect(sending: DrainTests.handshake)
        #expect(try client.readMessage(.none).status == 101)
        let draining = try drain(proxy)
        #expect(try client.read(exactly: 4) == DrainTests.close)
        try client.send(DrainTests.maskedClose)
        let end = try client.readToEnd()
        #expect(end.text == "" && end.ending == .closed)
        draining.join()
        backend.finish()
        #expect(backend.failures == [])
    }

    @Test("Close waits for the end of the frame that is on its way (RFC 6455 §5.4)")
    func insideFrame() throws {
        let backend = try ScriptedBackend { wire, _ in
            _ = try wire.read(until: "\r\n\r\n")
            try wire.send(Array(DrainTests.accepted.utf8) + [0x82, 4, 1])
            // Its own side is between two frames: this one is told at once.
            _ = try wire.read(exactly: 8)
            try wire.send([2, 3])
            try wire.send([4, 0x82, 1, 9])
            try wire.send(DrainTests.close)
            _ = try wire.readToEnd()
        }
        let proxy = try ProxyUnderTest(to: backend, settings: "timeouts: {drain: 20s}")
        let client = try proxy.connect(sending: DrainTests.handshake)
        #expect(try client.readMessage(.none).status == 101)
        #expect(try client.read(exactly: 3) == [0x82, 4, 1])
        let draining = try drain(proxy)
        #expect(try client.read(exactly: 7) == [2, 3, 4] + DrainTests.close)
        try client.send(DrainTests.maskedClose)
        #expect(try client.readToEnd().text == "")
        draining.join()
        backend.finish()
        #expect(backend.failures == [])
    }

    private static func file(_ backend: ScriptedBackend, _ state: String, closing: Bool) -> String {
        """
        services: {s: {backends: [{address: "\(backend.address)", state: \(state)}, "127.0.0.1:1"]}}
        timeouts: {drain: 2s}
        routes: [{service: s, annotations: {close-tunnels-on-drain: "\(closing)"}}]
        """
    }

    @Test(
        "a backend that drains ends its tunnels where the route wants that, and only there",
        arguments: ["drain", "ready"], [true, false])
    func backendDrains(state: String, isClosing: Bool) throws {
        let backend = try ScriptedBackend { wire, _ in
            _ = try wire.read(until: "\r\n\r\n")
            try wire.send(DrainTests.accepted)
            while let byte = try? wire.read(exactly: 1) { try wire.send(byte) }
        }
        let proxy = try ProxyUnderTest(
            file: DrainTests.file(backend, "ready", closing: isClosing), backends: [backend])
        let client = try proxy.connect(sending: DrainTests.handshake)
        try #require(try client.readMessage(.none).status == 101)
        proxy.reload(DrainTests.file(backend, state, closing: isClosing))
        if state == "drain" && isClosing {
            #expect(try client.read(exactly: 4) == DrainTests.close)
            // Neither side answers the Close: both are cut when the time is up.
            _ = try client.readToEnd()
        } else {
            let frame: [UInt8] = [0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]
            try client.send(frame)
            #expect(try client.read(exactly: frame.count) == frame)
        }
    }

    @Test("a side that stalls inside a frame, or speaks something else, is cut when time is up")
    func stalled() throws {
        for isWebSocket in [true, false] {
            let backend = try ScriptedBackend { wire, _ in
                _ = try wire.read(until: "\r\n\r\n")
                if isWebSocket {
                    try wire.send(Array(DrainTests.accepted.utf8) + [0x82, 100, 1])
                } else {
                    try wire.send(head("HTTP/1.1 101 Go", "Upgrade: tcp", "Connection: upgrade"))
                    try wire.send([0x82, 100, 1])
                }
                _ = try wire.readToEnd()
            }
            let proxy = try ProxyUnderTest(
                to: backend, annotations: "upgrade-protocols: tcp",
                settings: "timeouts: {drain: 200ms}")
            let other = get("/", "Connection: upgrade", "Upgrade: tcp")
            let client = try proxy.connect(sending: isWebSocket ? DrainTests.handshake : other)
            #expect(try client.readMessage(.none).status == 101)
            #expect(try client.read(exactly: 3) == [0x82, 100, 1])
            let draining = try drain(proxy)
            #expect(try client.readToEnd().text == "")
            draining.join()
        }
    }

    @Test("a request in flight is answered, with close, and idle connections end at once")
    func inFlight() throws {
        let mayAnswer = try Gate()
        let hasRequest = try Gate()
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            hasRequest.open()
            try mayAnswer.wait()
            try wire.send(ok())
        }
        let proxy = try ProxyUnderTest(to: backend, settings: "timeouts: {drain: 20s}")
        let idle = try proxy.connect()
        let client = try proxy.connect(sending: get())
        try hasRequest.wait()
        let draining = try drain(proxy)
        #expect(try idle.readToEnd().text == "")
        #expect(throws: WireError.self) { try proxy.exchange(get()) }
        mayAnswer.open()
        let response = try client.readMessage()
        #expect(response.status == 200 && response["Connection"] == "close")
        #expect(try client.readToEnd().ending == .closed)
        draining.join()
    }

    @Test("during preStop everything is served, and then nothing")
    func preStop() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(
            to: backend, settings: "timeouts: {preStop: 1h, drain: 5s}")
        let client = try proxy.connect(sending: get())
        #expect(try client.readMessage().status == 200)
        let draining = try drain(proxy, after: nil)
        try client.send(get())
        let response = try client.readMessage()
        #expect(response.status == 200 && response["Connection"] == nil)
        #expect(try proxy.exchange(get()).status == 200)
        pthread_kill(draining.id, SIGTERM)
        #expect(try client.readToEnd().ending == .closed)
        draining.thread.join()
        #expect(throws: WireError.self) { try proxy.exchange(get()) }
    }

    @Test("during preStop a changed file is taken, and a second TERM ends the wait")
    func reloadBeforeStop() throws {
        let old = try ScriptedBackend(ScriptedBackend.answering(ok("old")))
        let new = try ScriptedBackend(ScriptedBackend.answering(ok("new")))
        let settings = "timeouts: {preStop: 1h, drain: 5s}"
        let proxy = try ProxyUnderTest(to: old, new, settings: settings)
        proxy.change("routes: [{backends: [\"\(new.address)\"]}]\n\(settings)")
        let draining = try drain(proxy, after: SIGHUP)
        let end = ContinuousClock.now + Wire.patience
        repeat {
            try #require(ContinuousClock.now < end)
        } while try Set((0..<4).map { _ in try proxy.exchange(get()).bodyText }) != ["new"]
        pthread_kill(draining.id, SIGTERM)
        draining.thread.join()
        #expect(throws: WireError.self) { try proxy.exchange(get()) }
    }
}
