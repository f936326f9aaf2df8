import Testing

/// Requests that are answered by the proxy because of what they ask for.
@Suite("Requests that no backend sees")
struct RefusedRequestTests {
    private static let routes = """
        routes:
          - {path: /app, backends: [127.0.0.1:9]}
          - {path: /admin, backends: [127.0.0.1:9]}
        """

    @Test("TRACE and CONNECT are not allowed, and the answer says what is (RFC 9110 §15.5.6)")
    func methods() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend)
        let trace = try proxy.exchange(head("TRACE / HTTP/1.1", "Host: a", "Cookie: secret=1"))
        #expect(trace.status == 405 && trace["Allow"]?.contains("TRACE") == false)
        #expect(!trace.bodyText.contains("secret"))
        let connect = try proxy.exchange(head("CONNECT a:443 HTTP/1.1", "Host: a:443"))
        #expect(connect.status == 405)
        #expect(backend.connectionCount == 0)
    }

    @Test(
        "an expectation other than 100-continue is refused (RFC 9110 §10.1.1)",
        arguments: [
            ("Expect: 200-ok", 417), ("Expect: 100-continue, x", 417), ("Expect: ", 417),
            ("Expect: 100-continue\r\nExpect: 100-continue", 417), ("Expect: 100-Continue", 200),
        ])
    func expectations(field: String, status: Int) throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend)
        #expect(try proxy.exchange(get("/", field)).status == status)
        #expect(backend.requests.count == (status == 200 ? 1 : 0))
    }

    @Test("a method longer than any there is is not implemented (RFC 9112 §3)")
    func longMethods() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend)
        for (count, status) in [(32, 200), (33, 501)] {
            let method = String(repeating: "M", count: count)
            #expect(
                try proxy.exchange(head("\(method) / HTTP/1.1", "Host: a")).status == status)
        }
        #expect(backend.requests.count == 1)
    }

    @Test("an OPTIONS that may go no further is answered here (RFC 9110 §7.6.2)")
    func lastHop() throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend)
        for target in ["/", "*"] {
            let answer = try proxy.exchange(
                head("OPTIONS \(target) HTTP/1.1", "Host: a", "Max-Forwards: 0"))
            #expect(answer.status == 200)
            #expect(answer["Allow"]?.contains("OPTIONS") == true)
        }
        #expect(backend.connectionCount == 0)
    }

    @Test(
        "an OPTIONS with a Max-Forwards that is no number is refused (RFC 9110 §7.6.2)",
        arguments: ["", "x", "-1", "+1", "1, 2", "1\r\nMax-Forwards: 1", "0x1"])
    func invalidMaxForwards(value: String) throws {
        let backend = try ScriptedBackend()
        let proxy = try ProxyUnderTest(to: backend)
        let request = head("OPTIONS / HTTP/1.1", "Host: a", "Max-Forwards: \(value)")
        #expect(try proxy.exchange(request).status == 400)
        #expect(backend.connectionCount == 0)
    }

    @Test(
        "a path whose encoding is broken is refused (RFC 3986 §2.1)",
        arguments: ["/%", "/a%", "/%zz", "/%2", "/a%00", "/%u0041"])
    func brokenEncoding(path: String) throws {
        let backend = try ScriptedBackend()
        #expect(try ProxyUnderTest(to: backend).exchange(get(path)).status == 400)
        #expect(backend.connectionCount == 0)
    }

    @Test(
        "a path that a backend may read as one of another route is refused (RFC 3986 §6.2.2)",
        arguments: [
            "/app/../admin", "/app/%2e%2e/admin", "/app/..%2fadmin", "/app/..;/admin", "//admin",
            "/app/..\\admin", "/%61dmin", "/../admin",
        ])
    func ambiguousPaths(path: String) throws {
        let proxy = try ProxyUnderTest(file: Self.routes)
        #expect(try proxy.exchange(get(path)).status == 400)
    }

    @Test(
        "a path of one route in every reading goes through as it came",
        arguments: ["/a/../b", "/a%2Fb", "//x", "/%7Euser/", "/a/./b?x=/../y", "/.well-known/x"])
    func untouchedPaths(path: String) throws {
        let backend = try ScriptedBackend()
        #expect(try ProxyUnderTest(to: backend).exchange(get(path)).status == 200)
        #expect(backend.requests[0].startLine == "GET \(path) HTTP/1.1")
    }
}
