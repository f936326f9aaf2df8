import Testing

/// Requests that are sent again (`proxy-next-upstream`).
@Suite("Retries")
struct RetryTests {
    /// A backend that reads a request and closes without an answer, or answers.
    private func backend(_ response: String? = nil) throws -> ScriptedBackend {
        try ScriptedBackend { wire, _ in
            guard try wire.readMessageIfAny() != nil else { return }
            if let response { try wire.send(response) }
        }
    }

    private func status(_ text: String) -> String {
        head("HTTP/1.1 \(text)", "Content-Length: 0", "Connection: close")
    }

    @Test("a GET whose backend closes without an answer is answered by another")
    func error() throws {
        let broken = try backend()
        let sound = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: broken, sound)
        for _ in 0..<8 { #expect(try proxy.exchange(get()).status == 200) }
        #expect(broken.connectionCount > 0)
        #expect(sound.requests.count == 8)
    }

    @Test(
        "a POST that was sent is sent again only where non_idempotent allows it",
        arguments: [("error timeout", 502), ("error non_idempotent", 200)])
    func nonIdempotent(conditions: String, expected: Int) throws {
        let broken = try backend()
        let sound = try ScriptedBackend()
        let proxy = try ProxyUnderTest(
            to: broken, sound, annotations: "proxy-next-upstream: \"\(conditions)\"")
        let statuses = try (0..<4).map { _ in try proxy.exchange(post("body")).status }
        #expect(statuses.contains(expected))
        #expect(statuses.allSatisfy { $0 == 200 || $0 == expected })
        #expect(sound.requests.allSatisfy { $0.bodyText == "body" })
    }

    @Test("off tries nothing again, not even a connection that was refused")
    func off() throws {
        let refusing = try ScriptedBackend()
        refusing.refuseFromNowOn()
        let sound = try ScriptedBackend()
        let proxy = try ProxyUnderTest(
            to: refusing, sound, annotations: "proxy-next-upstream: \"off\"")
        let statuses = try (0..<4).map { _ in try proxy.exchange(get()).status }
        #expect(statuses.count { $0 == 502 } == 2)
    }

    @Test(
        "a kept connection that breaks is replaced only where errors are tried again",
        arguments: [("error", true), ("timeout", false), ("off", false)])
    func keptConnection(conditions: String, isReplaced: Bool) throws {
        let breaking = try ScriptedBackend { wire, _ in
            while let request = try wire.readMessageIfAny() {
                if request.startLine.contains("/break") { return }
                try wire.send(head("HTTP/1.1 200 OK", "Content-Length: 0"))
            }
        }
        let proxy = try ProxyUnderTest(
            to: breaking, annotations: "proxy-next-upstream: \"\(conditions)\"")
        #expect(try proxy.exchange(get()).status == 200)
        #expect(try proxy.exchange(get("/break")).status == 502)
        #expect((breaking.connectionCount > 1) == isReplaced)
    }

    @Test(
        "a status is tried again only where it is listed",
        arguments: [("error", 502), ("error http_502", 200)])
    func statuses(conditions: String, expected: Int) throws {
        let failing = try backend(status("502 Bad Gateway"))
        let sound = try ScriptedBackend()
        let proxy = try ProxyUnderTest(
            to: failing, sound, annotations: "proxy-next-upstream: \"\(conditions)\"")
        let statuses = try (0..<4).map { _ in try proxy.exchange(get()).status }
        #expect(statuses.count { $0 == expected } == (expected == 200 ? 4 : 2))
    }

    @Test("when every backend answers with a listed status, the client gets the last one")
    func lastAnswer() throws {
        let failing = try [backend(status("503 One")), backend(status("503 Two"))]
        let proxy = try ProxyUnderTest(
            to: failing[0], failing[1], annotations: "proxy-next-upstream: http_503")
        let response = try proxy.exchange(get())
        #expect(response.status == 503 && response.startLine.contains("HTTP/1.1 503 "))
        #expect(failing.allSatisfy { $0.connectionCount == 1 })
    }

    @Test("no more attempts than -tries", arguments: [1, 2])
    func tries(count: Int) throws {
        let broken = try [backend(), backend(), backend()]
        let proxy = try ProxyUnderTest(
            to: broken[0], broken[1], broken[2],
            annotations: "proxy-next-upstream-tries: \(count)")
        #expect(try proxy.exchange(get()).status == 502)
        #expect(broken.reduce(0) { $0 + $1.connectionCount } == count)
    }

    @Test("an answer that does not come in time is asked of another backend")
    func timeout() throws {
        let silent = try ScriptedBackend { wire, _ in
            _ = try wire.readMessageIfAny()
            _ = try wire.readToEnd()
        }
        let sound = try ScriptedBackend()
        let proxy = try ProxyUnderTest(
            to: silent, sound, settings: "timeouts: {backendRead: 700ms}")
        for _ in 0..<4 { #expect(try proxy.exchange(get()).status == 200) }
    }

    @Test("what is no response is tried again only where invalid_header allows it")
    func malformed() throws {
        let garbage = try backend("garbage\r\n\r\n")
        let sound = try ScriptedBackend()
        let strict = try ProxyUnderTest(to: garbage, sound)
        #expect(try (0..<2).map { _ in try strict.exchange(get()).status }.contains(502))
        let lenient = try ProxyUnderTest(
            to: garbage, sound, annotations: "proxy-next-upstream: \"invalid_header\"")
        for _ in 0..<2 { #expect(try lenient.exchange(get()).status == 200) }
    }

    @Test("a bound session asks its own backend again, and keeps its cookie")
    func boundSessionStays() throws {
        // Every second connection of either backend is closed without an answer.
        let backends = try (0..<2).map { _ in
            try ScriptedBackend { wire, number in
                guard try wire.readMessageIfAny() != nil, number % 2 == 0 else { return }
                try wire.send(ok("x", "Connection: close"))
            }
        }
        let proxy = try ProxyUnderTest(
            to: backends[0], backends[1], annotations: "affinity: cookie, affinity-mode: persistent"
        )
        let cookie = try #require(try proxy.exchange(get()).cookie)
        let home = try #require(backends.first { $0.connectionCount == 1 })
        let response = try proxy.exchange(get("/", "Cookie: \(cookie)"))
        #expect(response.status == 200 && response["Set-Cookie"] == nil)
        #expect(home.connectionCount == 3)
        #expect(home.requests.allSatisfy { $0["X-Session-Moved"] == nil })
    }

    @Test("with change-on-failure the session asks another backend and gets its cookie")
    func changeOnFailure() throws {
        let backends = try (0..<2).map { _ in
            try ScriptedBackend { wire, number in
                guard try wire.readMessageIfAny() != nil, number == 0 else { return }
                try wire.send(ok("x", "Connection: close"))
            }
        }
        let proxy = try ProxyUnderTest(
            to: backends[0], backends[1],
            annotations: "affinity: cookie, affinity-mode: persistent, "
                + "session-cookie-change-on-failure: \"true\"")
        let cookie = try #require(try proxy.exchange(get()).cookie)
        let response = try proxy.exchange(get("/", "Cookie: \(cookie)"))
        #expect(response.status == 200)
        #expect(response.cookie != nil && response.cookie != cookie)
    }

    @Test("after -timeout no further attempt begins")
    func totalTime() throws {
        let silent = try (0..<3).map { _ in
            try ScriptedBackend { wire, _ in
                _ = try wire.readMessageIfAny()
                _ = try wire.readToEnd()
            }
        }
        let proxy = try ProxyUnderTest(
            to: silent[0], silent[1], silent[2],
            annotations: "proxy-next-upstream-timeout: 2",
            settings: "timeouts: {backendRead: 1200ms}")
        #expect(try proxy.exchange(get()).status == 504)
        #expect(silent.reduce(0) { $0 + $1.connectionCount } == 2)
    }
}
