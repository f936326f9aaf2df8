import Testing

/// Backends that cannot be reached.
@Suite("Backends that cannot be reached")
struct ConnectFailureTests {
    private static let persistent = "affinity: cookie, affinity-mode: persistent"

    /// A backend whose port refuses.
    private func dead() throws -> ScriptedBackend {
        let backend = try ScriptedBackend()
        backend.refuseFromNowOn()
        return backend
    }

    @Test("a request whose backend refuses goes to its successor")
    func successor() throws {
        let live = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: dead(), live)
        for _ in 0..<6 { #expect(try proxy.exchange(get()).status == 200) }
        #expect(live.requests.count == 6)
    }

    @Test("a POST goes to the successor with its whole body, since nothing of it was sent")
    func successorForPost() throws {
        let live = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: dead(), live)
        for _ in 0..<4 {
            let body = String(repeating: "b", count: 300_000)
            #expect(try proxy.exchange(post(body)).status == 200)
            #expect(live.requests.last?.bodyText == body)
        }
    }

    @Test("two refusals are survived, and a third is a 502", arguments: [true, false])
    func attempts(thirdLives: Bool) throws {
        let third = try ScriptedBackend()
        if !thirdLives { third.refuseFromNowOn() }
        let proxy = try ProxyUnderTest(to: dead(), dead(), third)
        for _ in 0..<4 {
            #expect(try proxy.exchange(get()).status == (thirdLives ? 200 : 502))
        }
    }

    @Test("when all refuse it is a 502 that sets no cookie")
    func allRefuse() throws {
        let proxy = try ProxyUnderTest(
            to: dead(), dead(), annotations: ConnectFailureTests.persistent)
        let client = try proxy.connect(sending: get())
        let response = try client.readMessage()
        #expect(response.status == 502)
        #expect(response["Set-Cookie"] == nil)
        // The client's connection is not to blame.
        try client.send(get())
        #expect(try client.readMessage().status == 502)
    }

    @Test("a new client that the first backend refused gets the cookie of the second")
    func cookieOfSuccessor() throws {
        let live = try ScriptedBackend()
        let proxy = try ProxyUnderTest(
            to: dead(), live, annotations: ConnectFailureTests.persistent)
        for _ in 0..<4 {
            let first = try proxy.exchange(get())
            let cookie = try #require(first.cookie)
            let second = try proxy.exchange(get("/", "Cookie: \(cookie)"))
            #expect(second.status == 200 && second["Set-Cookie"] == nil)
        }
        #expect(live.requests.allSatisfy { $0["X-Session-Moved"] == nil })
    }

    @Test("a session whose backend refuses moves once, is announced once, and keeps its cookie")
    func sessionMoves() throws {
        let backends = try [ScriptedBackend(), ScriptedBackend()]
        let proxy = try ProxyUnderTest(
            to: backends[0], backends[1], annotations: ConnectFailureTests.persistent)
        let cookie = try #require(try proxy.exchange(get("/", "Connection: close")).cookie)
        let home = try #require(backends.firstIndex { $0.requests.count == 1 })
        backends[home].stop()
        let other = backends[1 - home]
        let request = post("body", "Cookie: \(cookie)", "X-Session-Moved: forged")
        let response = try proxy.exchange(request)
        #expect(response.status == 200 && response["Set-Cookie"] == nil)
        let moved = try #require(other.requests.first)
        #expect(moved.all("X-Session-Moved") == ["1"])
        #expect(moved.bodyText == "body")
        #expect(moved["Cookie"] == cookie)
    }

    @Test("with change-on-failure the session gets the cookie of its new backend")
    func changeOnFailure() throws {
        let backends = try [ScriptedBackend(), ScriptedBackend()]
        let proxy = try ProxyUnderTest(
            to: backends[0], backends[1],
            annotations: ConnectFailureTests.persistent
                + ", session-cookie-change-on-failure: \"true\"")
        let cookie = try #require(try proxy.exchange(get()).cookie)
        let home = try #require(backends.firstIndex { $0.requests.count == 1 })
        backends[home].stop()
        let moved = try proxy.exchange(get("/", "Cookie: \(cookie)"))
        #expect(moved.status == 200)
        #expect(moved.cookie != nil && moved.cookie != cookie)
    }

    @Test("a handshake that goes unanswered is a 504 in time")
    func blackHole() throws {
        let hole = try BlackHole()
        let file = """
            routes: [{backends: ["127.0.0.1:\(hole.port)"]}]
            timeouts: {connect: 100ms}
            """
        let response = try ProxyUnderTest(file: file).exchange(get())
        #expect(response.status == 504)
    }

    @Test("after a handshake that goes unanswered the successor is tried")
    func blackHoleSuccessor() throws {
        let hole = try BlackHole()
        let live = try ScriptedBackend()
        let file = """
            routes: [{backends: ["127.0.0.1:\(hole.port)", "\(live.address)"]}]
            timeouts: {connect: 600ms}
            """
        let proxy = try ProxyUnderTest(file: file, backends: [live])
        for _ in 0..<2 { #expect(try proxy.exchange(get()).status == 200) }
    }
}
