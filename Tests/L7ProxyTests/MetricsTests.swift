import Testing

@testable import L7Proxy

/// What `/metrics` says after traffic whose numbers are known.
@Suite("Metrics")
struct MetricsTests {
    private static let admin = "{address: '127.0.0.1:0'}"

    /// The samples, once so many requests are over: the last is counted behind its answer.
    private static func samples(
        _ proxy: ProxyUnderTest, after requestCount: Int
    ) throws -> [String: String] {
        let end = ContinuousClock.now + Wire.patience
        while true {
            let samples = try scrape(proxy)
            let counts = samples.filter { $0.key.hasPrefix("l7proxy_requests_total{") }
            let sum = counts.values.reduce(0) { $0 + (Int($1) ?? 0) }
            if sum == requestCount || ContinuousClock.now > end { return samples }
        }
    }

    private static func scrape(_ proxy: ProxyUnderTest) throws -> [String: String] {
        let answer = try proxy.connectAdmin().asks("/metrics")
        #expect(answer.status == 200)
        #expect(answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
        var samples: [String: String] = [:]
        for line in answer.bodyText.split(separator: "\n") where !line.hasPrefix("#") {
            let space = try #require(line.lastIndex(of: " "))
            let name = String(line[..<space])
            #expect(samples[name] == nil, "twice: \(name)")
            samples[name] = String(line[line.index(after: space)...])
        }
        return samples
    }

    @Test("requests are counted by route, service and class of status", arguments: [1, 2])
    func requests(workers: Int) throws {
        let backend = try ScriptedBackend(ScriptedBackend.answering(ok()))
        let proxy = try ProxyUnderTest(
            file: """
                services: {shop: {backends: [{address: '\(backend.address)', name: one}]}}
                routes:
                  - {host: a.test, service: shop, annotations: {affinity: cookie}}
                """,
            workers: workers, backends: [backend], admin: Self.admin)
        for _ in 0..<3 {
            _ = try proxy.exchange(head("GET / HTTP/1.1", "Host: a.test", "Connection: close"))
        }
        #expect(try proxy.exchange(get()).status == 404)
        let samples = try Self.samples(proxy, after: 4)
        let shop = #"route="a.test/",service="shop""#
        #expect(samples["l7proxy_requests_total{\(shop),code=\"2xx\"}"] == "3")
        #expect(samples["l7proxy_requests_total{\(shop),code=\"5xx\"}"] == "0")
        #expect(
            samples[#"l7proxy_requests_total{route="",service="",code="4xx"}"#] == "1")
        #expect(samples["l7proxy_request_ends_total{\(shop),end=\"complete\"}"] == "3")
        #expect(samples["l7proxy_request_duration_seconds_count{\(shop)}"] == "3")
        #expect(samples["l7proxy_upstream_response_seconds_bucket{\(shop),le=\"+Inf\"}"] == "3")
        #expect(samples["l7proxy_response_bytes_total{\(shop)}"] == "15")
        #expect(
            samples[
                "l7proxy_affinity_decisions_total{\(shop),kind=\"cookie\",reason=\"new\"}"] == "3")
        #expect(samples["l7proxy_workers"] == "\(workers)")
        #expect(samples["l7proxy_connections_accepted_total"] == "4")
        #expect(samples["l7proxy_ready"] == "1")
    }

    @Test("connections to backends are counted by address, new and kept")
    func pools() throws {
        let backend = try ScriptedBackend(ScriptedBackend.answering(ok()))
        let proxy = try ProxyUnderTest(to: backend, admin: Self.admin)
        let client = try proxy.connect(sending: get())
        try client.readMessage()
        for _ in 0..<2 {
            try client.send(get())
            try client.readMessage()
        }
        let samples = try Self.samples(proxy, after: 3)
        let address = "{address=\"\(backend.address)\"}"
        #expect(samples["l7proxy_upstream_connections_opened_total\(address)"] == "1")
        #expect(samples["l7proxy_upstream_connections_reused_total\(address)"] == "2")
        #expect(samples["l7proxy_upstream_connections_idle\(address)"] == "1")
    }

    @Test("a reload keeps the counters of routes that stay, and counts itself")
    func reload() throws {
        let backend = try ScriptedBackend(ScriptedBackend.answering(ok()))
        func file(_ more: String) -> String {
            """
            services: {shop: {backends: ['\(backend.address)']}}
            routes: [{host: test.example, service: shop}\(more)]
            """
        }
        let proxy = try ProxyUnderTest(file: file(""), backends: [backend], admin: Self.admin)
        _ = try proxy.exchange(get())
        proxy.reload(file(", {host: b.test, service: shop}"))
        let client = try proxy.connect(sending: get())
        try client.readMessage()
        let samples = try Self.samples(proxy, after: 2)
        let route = #"{route="test.example/",service="shop",code="2xx"}"#
        #expect(samples["l7proxy_requests_total\(route)"] == "2")
        #expect(
            samples[#"l7proxy_requests_total{route="b.test/",service="shop",code="2xx"}"#] == "0")
        #expect(samples["l7proxy_config_reloads_total"] == "1")
        #expect(samples["l7proxy_config_reload_failures_total"] == "0")
        #expect(samples["l7proxy_config_routes"] == "2")
    }

    @Test("beyond a thousand names, requests are counted together")
    func manyRoutes() throws {
        let backend = try ScriptedBackend(ScriptedBackend.answering(ok()))
        let routes = (0..<1_100).map { "  - {host: h\($0).test, service: shop}\n" }.joined()
        let proxy = try ProxyUnderTest(
            file: """
                services: {shop: {backends: ['\(backend.address)']}}
                routes:
                \(routes)
                """, backends: [backend], admin: Self.admin)
        for host in ["h0.test", "h1099.test", "h1098.test"] {
            _ = try proxy.exchange(head("GET / HTTP/1.1", "Host: \(host)", "Connection: close"))
        }
        let samples = try Self.samples(proxy, after: 3)
        #expect(
            samples[#"l7proxy_requests_total{route="h0.test/",service="shop",code="2xx"}"#] == "1")
        #expect(
            samples[#"l7proxy_requests_total{route="(other)",service="",code="2xx"}"#] == "2")
    }

    @Test("beyond a thousand names, what ends behind a reload is counted with the others, too")
    func manyRoutesReloaded() throws {
        let mayEnd = try Gate()
        let backend = try ScriptedBackend { wire, _ in
            _ = try wire.readMessageIfAny()
            try wire.send(head("HTTP/1.1 200 OK", "Content-Length: 2") + "h")
            try mayEnd.wait()
            try wire.send("i")
        }
        let routes = (0..<1_100).map { "{host: h\($0).test, service: shop}" }
        let file = """
            services: {shop: {backends: ['\(backend.address)']}}
            routes: [\(routes.joined(separator: ", "))]
            """
        let proxy = try ProxyUnderTest(file: file, backends: [backend], admin: Self.admin)
        let client = try proxy.connect(sending: head("GET / HTTP/1.1", "Host: h1099.test"))
        _ = try client.read(until: "\r\n\r\nh")
        proxy.reload(file)
        // Whoever is answered by the new file has come behind those that let go of the old one.
        #expect(try proxy.exchange(head("GET / HTTP/1.1", "Host: nobody.test")).status == 404)
        mayEnd.open()
        _ = try client.read(until: "i")
        let samples = try Self.samples(proxy, after: 2)
        #expect(
            samples[#"l7proxy_requests_total{route="(other)",service="",code="2xx"}"#] == "1")
    }
}
