import Testing

@testable import L7Proxy

/// Questions and orders to a proxy that serves.
@Suite("Admin API")
struct AdminAPITests {
    private static let admin = "{address: '127.0.0.1:0'}"

    private static func named(_ name: String) throws -> ScriptedBackend {
        try ScriptedBackend(ScriptedBackend.answering(ok(name)))
    }

    private static func file(
        _ one: ScriptedBackend, _ two: ScriptedBackend, state: String = "ready",
        more: String = ""
    ) -> String {
        """
        services:
          shop:
            sessionAffinity: ClientIP
            backends:
              - {address: '\(one.address)', name: one, state: \(state)}
              - {address: '\(two.address)', name: two}
        routes:
          - {path: /, service: shop}
          - {path: /any, service: shop, annotations: {affinity: none}}
        \(more)
        """
    }

    private static func order(_ proxy: ProxyUnderTest, _ target: String) throws -> Message {
        try proxy.connectAdmin(
            sending: "POST \(target) HTTP/1.1\r\nHost: localhost\r\n\r\n"
        ).readMessage()
    }

    private static func ask(_ proxy: ProxyUnderTest, _ target: String) throws -> String {
        let answer = try proxy.connectAdmin().asks(target)
        #expect(answer.status == 200, "\(answer.bodyText)")
        return answer.bodyText
    }

    private static func anyBackends(_ proxy: ProxyUnderTest) throws -> Set<String> {
        var seen: Set<String> = []
        for _ in 0..<4 { seen.insert(try proxy.exchange(get("/any")).bodyText) }
        return seen
    }

    @Test("a backend that is put down by name gets nothing, and is used again when it is ready")
    func orders() throws {
        let (one, two) = (try Self.named("one"), try Self.named("two"))
        let proxy = try ProxyUnderTest(
            file: Self.file(one, two), workers: 2, backends: [one, two], admin: Self.admin)
        #expect(try Self.anyBackends(proxy) == ["one", "two"])
        let answer = try Self.order(proxy, "/api/backends/one/down")
        #expect(answer.bodyText == #"{"backend":"one","state":"down","services":["shop"]}"#)
        #expect(try Self.anyBackends(proxy) == ["two"])
        let shown = try Self.ask(proxy, "/api/backends")
        #expect(
            shown.contains(
                #""state":"down","administrative":"down","configured":"ready","checked":"ready""#))
        #expect(try Self.order(proxy, "/api/backends/one/ready?service=shop").status == 200)
        #expect(try Self.anyBackends(proxy) == ["one", "two"])
    }

    @Test("what an operator said holds through reloads until the file changes its own word")
    func survivesReloads() throws {
        let (one, two) = (try Self.named("one"), try Self.named("two"))
        let proxy = try ProxyUnderTest(
            file: Self.file(one, two), backends: [one, two], admin: Self.admin)
        _ = try Self.order(proxy, "/api/backends/one/drain")
        #expect(try Self.anyBackends(proxy) == ["two"])
        proxy.reload(Self.file(one, two, more: "sessionLimit: 1000000"))
        #expect(try Self.anyBackends(proxy) == ["two"])
        proxy.reload(Self.file(one, two, state: "down"))
        _ = try Self.order(proxy, "/api/backends/one/ready")
        #expect(try Self.anyBackends(proxy) == ["one", "two"])
        proxy.reload(Self.file(one, two, state: "drain"))
        #expect(try Self.anyBackends(proxy) == ["two"])
    }

    @Test(
        "an order that cannot be meant is refused",
        arguments: [
            ("POST", "/api/backends/three/drain", 404),
            ("POST", "/api/backends/one/drain?service=other", 404),
            ("POST", "/api/backends/one/up", 404), ("GET", "/api/backends/one/drain", 405),
            ("POST", "/api/backends", 405), ("GET", "/api", 404), ("GET", "/api/x", 404),
            ("GET", "/api/sessions?limit=0", 400), ("GET", "/api/sessions?limit=1001", 400),
            ("GET", "/api/sessions?cursor=x", 400), ("GET", "/api/routes?offset=-1", 400),
            ("GET", "/api/explain", 400), ("GET", "/api/explain?url=http://a&client=b", 400),
        ])
    func refused(method: String, target: String, status: Int) throws {
        let (one, two) = (try Self.named("one"), try Self.named("two"))
        let proxy = try ProxyUnderTest(
            file: Self.file(one, two), backends: [one, two], admin: Self.admin)
        let answer = try proxy.connectAdmin(
            sending: "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n\r\n"
        ).readMessage()
        #expect(answer.status == status)
        #expect(try Self.anyBackends(proxy) == ["one", "two"])
    }

    @Test("an order of another site's page is refused, and changes nothing")
    func foreign() throws {
        let (one, two) = (try Self.named("one"), try Self.named("two"))
        let proxy = try ProxyUnderTest(
            file: Self.file(one, two), backends: [one, two], admin: Self.admin)
        for fields in ["Host: localhost\r\nOrigin: http://evil.example", "Host: evil.example"] {
            let answer = try proxy.connectAdmin(
                sending: "POST /api/backends/one/down HTTP/1.1\r\n\(fields)\r\n\r\n"
            ).readMessage()
            #expect(answer.status == 403)
        }
        #expect(try Self.anyBackends(proxy) == ["one", "two"])
    }

    @Test("sessions are listed page by page, in JSON and in the columns of ipvsadm")
    func sessions() throws {
        let (one, two) = (try Self.named("one"), try Self.named("two"))
        let proxy = try ProxyUnderTest(
            file: Self.file(
                one, two, more: "clientIP: {from: x-forwarded-for, trusted: [127.0.0.0/8]}"),
            backends: [one, two], admin: Self.admin)
        for client in 1...3 {
            _ = try proxy.exchange(get("/", "X-Forwarded-For: 192.0.2.\(client)"))
        }
        var seen = ""
        var cursor: Substring? = "0.0"
        var pageCount = 0
        while let start = cursor {
            let page = try Self.ask(proxy, "/api/sessions?limit=2&cursor=\(start)")
            pageCount += 1
            seen += page
            cursor = page.split(separator: "\"next\":\"").dropFirst().first?.prefix { $0 != "\"" }
        }
        #expect(pageCount == 2)
        for client in 1...3 { #expect(seen.contains("\"client\":\"192.0.2.\(client)\"")) }
        let table = try Self.ask(proxy, "/api/sessions?format=text&service=shop")
        #expect(table.split(separator: "\n").count == 3)
        // Of three hours at most a minute has gone.
        #expect(table.contains(/TCP 1(?:80:00|79:\d\d) NONE {8}192\.0\.2\.1:0 {8}shop/))
        #expect(try Self.ask(proxy, "/api/sessions?format=text&service=other") == "")
    }

    @Test("explain knows the sessions of the process, and leaves no trace in them")
    func explain() throws {
        let (one, two) = (try Self.named("one"), try Self.named("two"))
        let proxy = try ProxyUnderTest(
            file: Self.file(one, two), backends: [one, two], admin: Self.admin)
        let question = "/api/explain?format=text&url=http://shop.test/&client="
        #expect(try Self.ask(proxy, question + "127.0.0.1").contains("why        client-ip: new"))
        #expect(try Self.ask(proxy, "/api/sessions?format=text") == "")
        let home = try proxy.exchange(get()).bodyText
        for _ in 0..<3 {
            let text = try Self.ask(proxy, question + "127.0.0.1")
            #expect(text.contains("choice     \(home)\n"))
            #expect(text.contains("why        client-ip: hit"))
        }
        _ = try Self.order(proxy, "/api/backends/\(home)/down")
        let other = home == "one" ? "two" : "one"
        let text = try Self.ask(proxy, question + "127.0.0.1")
        #expect(text.contains("choice     \(other)\n") && text.contains("client-ip: down"))
        // The question has not moved it.
        _ = try Self.order(proxy, "/api/backends/\(home)/ready")
        #expect(try proxy.exchange(get()).bodyText == home)
    }

    @Test("routes are listed with what the file says of them")
    func routes() throws {
        let (one, two) = (try Self.named("one"), try Self.named("two"))
        let proxy = try ProxyUnderTest(
            file: Self.file(one, two), backends: [one, two], admin: Self.admin)
        let text = try Self.ask(proxy, "/api/routes?offset=1")
        #expect(
            text.hasPrefix(
                #"{"count":2,"routes":[{"name":"*/any","host":"*","path":"/any","#
                    + #""pathType":"Prefix","service":"shop","affinity":"none","canary":null,"#))
    }

    @Test("an open tunnel is counted at its backend, through a reload and until it ends")
    func tunnels() throws {
        let one = try ScriptedBackend { wire, _ in
            _ = try wire.read(until: "\r\n\r\n")
            try wire.send(head("HTTP/1.1 101 Go", "Upgrade: chat", "Connection: upgrade"))
            _ = try wire.readToEnd()
        }
        func file(_ more: String) -> String {
            """
            services: {shop: {backends: [{address: '\(one.address)', name: one}]}}
            routes: [{service: shop, annotations: {upgrade-protocols: chat}}]
            \(more)
            """
        }
        let proxy = try ProxyUnderTest(file: file(""), backends: [one], admin: Self.admin)
        let client = try proxy.connect(
            sending: get("/", "Connection: upgrade", "Upgrade: chat"))
        _ = try client.readMessage(.none)
        // It is counted behind its 101.
        let end = ContinuousClock.now + Wire.patience
        while try !Self.ask(proxy, "/api/backends").contains(#""tunnels":1"#) {
            try #require(ContinuousClock.now < end)
        }
        proxy.reload(file("sessionLimit: 999"))
        #expect(try Self.ask(proxy, "/api/backends").contains(#""tunnels":1"#))
    }

    @Test("the dashboard may run its own script and style, and nothing else")
    func dashboard() throws {
        let (one, two) = (try Self.named("one"), try Self.named("two"))
        let proxy = try ProxyUnderTest(
            file: Self.file(one, two), backends: [one, two], admin: Self.admin)
        let page = try proxy.connectAdmin().asks("/")
        #expect(page.status == 200 && page["Content-Type"] == "text/html; charset=utf-8")
        let policy = try #require(page["Content-Security-Policy"])
        #expect(policy.hasPrefix("default-src 'none'; style-src 'sha256-"))
        #expect(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"))
        #expect(!page.bodyText.contains("http://") && !page.bodyText.contains("https://"))
    }
}
