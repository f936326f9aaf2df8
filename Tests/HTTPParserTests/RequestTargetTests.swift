import HTTPParser
import Testing

@Suite("Request targets")
struct RequestTargetTests {
    private func outcome(_ target: String, method: String = "GET") -> HeadOutcome<RequestText> {
        requestOutcome("\(method) \(target) HTTP/1.1\r\nHost: a.example:8080\r\n\r\n")
    }

    @Test(
        "origin form is a path and a query (RFC 9112 §3.2.1)",
        arguments: [
            ("/", "/", ""), ("/a", "/a", ""), ("/a?", "/a", ""), ("/?x", "/", "x"),
            ("/a?b?c", "/a", "b?c"), ("/a??", "/a", "?"), ("//b//c", "//b//c", ""),
            ("/a/../b;p=1", "/a/../b;p=1", ""), ("/%00%zz", "/%00%zz", ""),
            ("/a?u=http://b/", "/a", "u=http://b/"),
            ("/\"<>\\^`{|}[]", "/\"<>\\^`{|}[]", ""), ("/a?\"<>\\^`{|}[]", "/a", "\"<>\\^`{|}[]"),
            ("/0123456789abcdef0123456789", "/0123456789abcdef0123456789", ""),
            ("/0123456789abcde?0123456789abcdef", "/0123456789abcde", "0123456789abcdef"),
        ])
    func originForm(target: String, path: String, query: String) {
        let head = outcome(target).head
        #expect(head?.form == .origin)
        #expect(head?.target == target)
        #expect(head?.path == path)
        #expect(head?.query == query)
        #expect(head?.authority == "a.example:8080")
        #expect(head?.host == "a.example")
    }

    @Test(
        "a byte that no target may hold is refused",
        arguments: [
            "/a#b", "/#", "#", "/a?b#c", "/\u{80}", "/caf\u{E9}", "/a\u{7F}", "/a\0", "/a\u{1}",
            "/a\tb", "/0123456789abcdef\u{FF}", "/0123456789abcdef#", "/0123456789abcdef\u{7F}",
        ])
    func invalidBytes(target: String) {
        #expect(outcome(target) == .refused(.invalidTarget))
    }

    @Test(
        "a target that is in none of the four forms is refused (RFC 9112 §3.2)",
        arguments: [
            "a", "a.example", "a.example:80", "?x", "ftp://a.example:8080/", "://a/", "http:/a",
            "http:a", "http://", "http:///", "http://?x", "https://", "httpx://a.example:8080/",
            "*", "*/", "**", "mailto:a@b", "http", "\\",
        ])
    func noForm(target: String) {
        #expect(outcome(target) == .refused(.invalidTarget))
    }

    @Test(
        "absolute form names the authority itself (RFC 9112 §3.2.2)",
        arguments: [
            ("http://a.example:8080/p?q", "/p", "q"), ("HTTP://A.EXAMPLE:8080/p", "/p", ""),
            ("http://a.example:8080", "", ""), ("http://a.example:8080?q", "", "q"),
            ("http://a.example:8080/", "/", ""), ("https://a.example:8080/p?q", "/p", "q"),
            ("hTTps://a.example:8080/p/?", "/p/", ""),
        ])
    func absoluteForm(target: String, path: String, query: String) {
        let head = outcome(target).head
        #expect(head?.form == .absolute)
        #expect(head?.path == path)
        #expect(head?.query == query)
        #expect(head?.authority.lowercased() == "a.example:8080")
        #expect(head?.host.lowercased() == "a.example")
    }

    @Test(
        "an invalid authority in absolute form is refused",
        arguments: [
            "http://user@a.example:8080/", "http://user:pw@a.example:8080/", "http://@a/",
            "http://a.example:x/", "http://a.example:65536/", "http://:8080/", "http://[::1/",
            "http://a,b/", "http://a%2/", "http://a\\b/", "http://[]/",
        ])
    func invalidAuthority(target: String) {
        #expect(outcome(target) == .refused(.invalidTarget))
    }

    @Test(
        "absolute form and Host that name different hosts are refused (RFC 9112 §3.2.2)",
        arguments: [
            ("http://b/", "a"), ("http://a:81/", "a"), ("http://a/", "a:81"), ("http://a/", ""),
            ("http://a:443/", "a"), ("https://a:80/", "a"), ("http://a.b/", "a"),
            ("http://a/", "a."), ("http://[::1]/", "[::2]"),
        ])
    func hostMismatch(target: String, host: String) {
        let message = "GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n"
        #expect(requestOutcome(message) == .refused(.hostMismatch))
    }

    @Test(
        "Host may spell the authority of absolute form differently (RFC 3986 §6.2)",
        arguments: [
            ("http://a/", "A"), ("http://a:80/", "a"), ("http://a/", "a:80"), ("http://a:/", "a"),
            ("http://a/", "a:"), ("https://a:443/", "a"), ("https://a/", "a:443"),
            ("http://[::1]:80/", "[::1]"), ("http://a:080/", "a"), ("http://[::A]/", "[::a]:80"),
        ])
    func sameHost(target: String, host: String) {
        let message = "GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n"
        #expect(requestOutcome(message).head?.form == .absolute)
    }

    @Test("the asterisk is for OPTIONS (RFC 9112 §3.2.4)")
    func asterisk() {
        let head = outcome("*", method: "OPTIONS").head
        #expect(head?.form == .asterisk)
        #expect(head?.path == "*")
        #expect(head?.authority == "a.example:8080")
        #expect(outcome("*", method: "GET") == .refused(.invalidTarget))
        #expect(outcome("*?", method: "OPTIONS") == .refused(.invalidTarget))
        #expect(outcome("**", method: "OPTIONS") == .refused(.invalidTarget))
    }

    @Test("authority form is for CONNECT (RFC 9112 §3.2.3)")
    func authorityForm() {
        let head = outcome("a.example:8080", method: "CONNECT").head
        #expect(head?.form == .authority)
        #expect(head?.path == "")
        #expect(head?.query == "")
        #expect(head?.authority == "a.example:8080")
        #expect(head?.host == "a.example")
    }

    @Test(
        "CONNECT takes nothing but host and port",
        arguments: [
            "a.example", "a.example:", "/", "*", "http://a.example:8080/", "a.example:8080/",
            "a.example:8080?x", "u@a.example:8080", ":8080", "a.example:99999", "[::1]",
        ])
    func connectTargets(target: String) {
        #expect(outcome(target, method: "CONNECT") == .refused(.invalidTarget))
    }

    @Test("CONNECT to another host than Host names is refused")
    func connectMismatch() {
        #expect(outcome("b:8080", method: "CONNECT") == .refused(.hostMismatch))
    }
}
