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
