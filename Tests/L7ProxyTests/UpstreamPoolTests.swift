import Testing

/// Which connections to a backend are used again, and which never (RFC 9112 §9.3 and §9.6).
@Suite("Connections to backends")
struct UpstreamPoolTests {
    /// Answers with the number of the connection.
    private static let numbered: ScriptedBackend.Script = { wire, number in
        while try wire.readMessageIfAny() != nil { try wire.send(ok("\(number)")) }
    }

    @Test("clients take turns on one connection")
    func reuse() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend)
        for _ in 0..<10 { _ = try proxy.exchange(get()) }
        #expect(backend.connectionCount == 1)
    }

    @Test("the connection that came back last goes out first")
    func lastInFirstOut() throws {
        let gate = try Gate()
        let backend = try ScriptedBackend { wire, number in
            while let request = try wire.readMessageIfAny() {
                if request.startLine.contains("/wait") { try gate.wait() }
                try wire.send(ok("\(number)"))
            }
        }
        let proxy = try ProxyUnderTest(to: backend)
        let first = try proxy.connect(sending: get("/wait"))
        // The first connection is taken, so this one opens the second and returns it.
        #expect(try proxy.exchange(get()).bodyText == "1")
        gate.open()
        #expect(try first.readMessage().bodyText == "0")
        for _ in 0..<5 { #expect(try proxy.exchange(get()).bodyText == "0") }
        #expect(backend.connectionCount == 2)
    }

    @Test("a GET on a connection that has closed meanwhile is sent again (RFC 9110 §9.2.2)")
    func staleReplay() throws {
        let backend = try ScriptedBackend { wire, number in
            try wire.readMessage()
            try wire.send(ok("\(number)"))
            // The next request is on its way when this end closes: it comes and is not answered.
            if number == 0 { try wire.readMessage() } else { _ = try wire.readToEnd() }
        }
        let client = try ProxyUnderTest(to: backend).connect(sending: get("/1"))
        #expect(try client.readMessage().bodyText == "0")
        try client.send(get("/2"))
        let response = try client.readMessage()
        #expect(response.status == 200 && response.bodyText == "1")
        #expect(backend.requests.map(\.startLine).filter { $0.contains("/2") }.count == 2)
    }

    @Test("a PUT is sent again with its body, also after a reset (RFC 9110 §9.2.2)")
    func staleReplayOfBody() throws {
        let backend = try ScriptedBackend { wire, number in
            try wire.readMessage()
            try wire.send(ok("\(number)"))
            try wire.readMessage()
            wire.reset()
        }
        let client = try ProxyUnderTest(to: backend).connect(sending: get())
        #expect(try client.readMessage().bodyText == "0")
        try client.send(head("PUT / HTTP/1.1", "Host: a", "Content-Length: 4") + "body")
        #expect(try client.readMessage().bodyText == "1")
        #expect(backend.requests.map(\.bodyText) == ["", "body", "body"])
    }

    @Test("a PUT whose body is still coming is not sent again (RFC 9110 §9.2.2)")
    func noReplayOfHalf() throws {
        let backend = try ScriptedBackend { wire, number in
            try wire.readMessage()
            try wire.send(ok("\(number)"))
            if number == 0 { _ = try wire.read(until: "half") }
        }
        let client = try ProxyUnderTest(to: backend).connect(sending: get())
        #expect(try client.readMessage().bodyText == "0")
        try client.send(head("PUT / HTTP/1.1", "Host: a", "Content-Length: 8") + "half")
        #expect(try client.readMessage().status == 502)
        #expect(backend.connectionCount == 1)
    }

    @Test("a request that has had an interim answer is not sent again")
    func noReplayAfterInterim() throws {
        let backend = try ScriptedBackend { wire, number in
            try wire.readMessage()
            try wire.send(ok("\(number)"))
            try wire.readMessage()
            try wire.send(head("HTTP/1.1 103 Early Hints"))
        }
        let client = try ProxyUnderTest(to: backend).connect(sending: get())
        #expect(try client.readMessage().bodyText == "0")
        try client.send(get())
        #expect(try client.readMessage(.none).status == 103)
        #expect(try client.readMessage().status == 502)
        #expect(backend.connectionCount == 1)
    }

    @Test("a POST that a closing connection may have eaten is not sent again (RFC 9110 §9.2.2)")
    func noReplay() throws {
        let backend = try ScriptedBackend { wire, number in
            try wire.readMessage()
            try wire.send(ok("\(number)"))
            if number == 0 { try wire.readMessage() } else { _ = try wire.readToEnd() }
        }
        let client = try ProxyUnderTest(to: backend).connect(sending: get())
        #expect(try client.readMessage().status == 200)
        try client.send(post("once"))
        #expect(try client.readMessage().status == 502)
        #expect(backend.connectionCount == 1)
    }

    @Test("a new connection that ends without an answer is not tried again")
    func freshFailure() throws {
        let backend = try ScriptedBackend { wire, _ in try wire.readMessage() }
        let proxy = try ProxyUnderTest(to: backend)
        #expect(try proxy.exchange(get()).status == 502)
        proxy.stop()
        backend.finish()
        #expect(backend.connectionCount == 1)
    }

    @Test("an idle connection that its backend has closed serves neither GET nor POST")
    func closedWhileIdle() throws {
        for request in [get(), post("body")] {
            let isClosed = try Gate()
            let backend = try ScriptedBackend { wire, number in
                try wire.readMessage()
                try wire.send(ok("\(number)"))
                if number == 0 {
                    wire.close()
                    isClosed.open()
                } else {
                    _ = try wire.readToEnd()
                }
            }
            let client = try ProxyUnderTest(to: backend).connect(sending: get())
            #expect(try client.readMessage().bodyText == "0")
            try isClosed.wait()
            try client.send(request)
            #expect(try client.readMessage().bodyText == "1")
        }
    }

    @Test("Keep-Alive: timeout=1 is too short to keep a connection for")
    func keepAliveTimeout() throws {
        let backend = try ScriptedBackend { wire, number in
            while try wire.readMessageIfAny() != nil {
                try wire.send(ok("\(number)", "Keep-Alive: timeout=1, max=100"))
            }
        }
        let proxy = try ProxyUnderTest(to: backend)
        #expect(try proxy.exchange(get()).bodyText == "0")
        #expect(try proxy.exchange(get()).bodyText == "1")
    }

    @Test("an idle connection is closed when backendIdle is over")
    func idleTimeout() throws {
        let isClosed = try Gate()
        let backend = try ScriptedBackend { wire, _ in
            try wire.readMessage()
            try wire.send(ok())
            _ = try wire.readToEnd()
            isClosed.open()
        }
        let proxy = try ProxyUnderTest(to: backend, settings: "timeouts: {backendIdle: 50ms}")
        let client = try proxy.connect(sending: get())
        #expect(try client.readMessage().status == 200)
        try isClosed.wait()
        #expect(client.isQuiet(for: .zero))
    }

    @Test(
        "a backend that says more than its answer is never asked again on that connection",
        arguments: [
            ok("hello") + "x", ok("hello") + ok("forged"),
            head("HTTP/1.1 204 No Content") + "body",
            head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + "0\r\n\r\nHTTP/1.1 200 OK\r\n",
        ])
    func excess(response: String) throws {
        let backend = try ScriptedBackend(ScriptedBackend.answering(response))
        let proxy = try ProxyUnderTest(to: backend)
        let client = try proxy.connect(sending: get())
        let first = try client.readMessage()
        try client.send(get())
        let second = try client.readMessage()
        #expect(first.lines.dropLast() == second.lines.dropLast())
        #expect(first.body == second.body)
        #expect(client.isQuiet(for: .milliseconds(50)))
        #expect(backend.connectionCount == 2)
    }

    @Test("what a backend says after its answer spoils the idle connection")
    func lateExcess() throws {
        let isClosed = try Gate()
        let backend = try ScriptedBackend { wire, number in
            if number > 0 { return try UpstreamPoolTests.numbered(wire, number) }
            try wire.readMessage()
            try wire.send(ok("0"))
            _ = wire.isQuiet(for: .milliseconds(50))
            try wire.send(ok("forged"))
            _ = try wire.readToEnd()
            isClosed.open()
        }
        let proxy = try ProxyUnderTest(to: backend)
        #expect(try proxy.exchange(get()).bodyText == "0")
        try isClosed.wait()
        #expect(try proxy.exchange(get()).bodyText == "1")
    }

    @Test("a body after the answer to HEAD is not the next answer (RFC 9112 §6.3 item 1)")
    func bodyAfterHead() throws {
        let backend = try ScriptedBackend { wire, number in
            if number > 0 { return try UpstreamPoolTests.numbered(wire, number) }
            try wire.readMessage()
            try wire.send(ok("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"))
            _ = try wire.readToEnd()
        }
        let client = try ProxyUnderTest(to: backend).connect(
            sending: head("HEAD / HTTP/1.1", "Host: a"))
        #expect(try client.readMessage(.none).status == 200)
        try client.send(get())
        #expect(try client.readMessage().bodyText == "1")
    }

    @Test("no backend gets what was meant for another")
    func twoBackends() throws {
        let one = try ScriptedBackend(ScriptedBackend.answering(ok("one")))
        let two = try ScriptedBackend(ScriptedBackend.answering(ok("two")))
        let file = """
            routes:
              - {path: /one, backends: ["\(one.address)"]}
              - {path: /two, backends: ["\(two.address)"]}
            """
        let client = try ProxyUnderTest(file: file, backends: [one, two]).connect()
        for _ in 0..<5 {
            for name in ["one", "two"] {
                try client.send(get("/\(name)"))
                #expect(try client.readMessage().bodyText == name)
            }
        }
        #expect(one.connectionCount == 1 && two.connectionCount == 1)
        #expect(one.requests.allSatisfy { $0.startLine.contains("/one") })
    }

    @Test("each client keeps to its source address, and none uses another's connection")
    func sourceAddresses() throws {
        let backend = try ScriptedBackend { wire, number in
            while try wire.readMessageIfAny() != nil {
                try wire.send(ok("\(wire.peerNumber)", "X-Connection: \(number)"))
            }
        }
        let settings = """
            sourceAddresses: [127.0.0.11, 127.0.0.12, 127.0.0.13]
            clientIP: {from: x-forwarded-for, trusted: [127.0.0.0/8]}
            """
        let proxy = try ProxyUnderTest(to: backend, settings: settings)
        var sources: [Int: String] = [:]
        var owners: [String: String] = [:]
        for _ in 0..<3 {
            for client in 1...12 {
                let response = try proxy.exchange(
                    get("/", "X-Forwarded-For: 198.51.100.\(client)"))
                let source = response.bodyText
                #expect(sources[client, default: source] == source)
                sources[client] = source
                let connection = try #require(response["X-Connection"])
                #expect(owners[connection, default: source] == source)
                owners[connection] = source
            }
        }
        #expect(Set(sources.values).isSubset(of: ["11", "12", "13"]))
        #expect(Set(sources.values).count > 1)
        #expect(backend.connectionCount == Set(sources.values).count)
    }

    @Test("routes to one backend share its connections")
    func sharedBackend() throws {
        let backend = try ScriptedBackend(UpstreamPoolTests.numbered)
        let file = """
            routes:
              - {path: /a, backends: ["\(backend.address)"]}
              - {path: /b, backends: ["\(backend.address)"]}
            """
        let proxy = try ProxyUnderTest(file: file, backends: [backend])
        #expect(try proxy.exchange(get("/a")).bodyText == "0")
        #expect(try proxy.exchange(get("/b")).bodyText == "0")
    }
}
