import HTTPParser
import Testing

@Suite("Host")
struct HostFieldTests {
    private func outcome(_ lines: String, version: String = "1.1") -> HeadOutcome<RequestText> {
        requestOutcome("GET / HTTP/\(version)\r\n\(lines)\r\n")
    }

    @Test(
        "a valid Host becomes the authority (RFC 9110 §7.2)",
        arguments: [
            ("a", "a"), ("a.example", "a.example"), ("A.Example:80", "A.Example"),
            ("a:", "a"), ("a:0", "a"), ("a:65535", "a"), ("a:00080", "a"),
            ("1.2.3.4:8080", "1.2.3.4"),
            ("[::1]", "[::1]"), ("[::1]:8080", "[::1]"), ("[2001:db8::1]:", "[2001:db8::1]"),
            ("[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]"),
            ("[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]"),
            ("a_b.example", "a_b.example"), ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("a%C3%BC.example", "a%C3%BC.example"), ("a.example.", "a.example."),
            ("a~b!$&'()*+;=c", "a~b!$&'()*+;=c"), ("-", "-"),
            (
                "very-long-label-number-1.very-long-label-number-2.example:8443",
                "very-long-label-number-1.very-long-label-number-2.example"
            ),
        ])
    func validHosts(value: String, host: String) {
        let head = outcome("Host: \(value)\r\n").head
        #expect(head?.authority == value)
        #expect(head?.host == host)
    }

    @Test(
        "an invalid Host is refused (RFC 9112 §3.2)",
        arguments: [
            "a b", "a,b", "a, a", "u@a", "u:p@a", "a/b", "a?b", "a#b", "a\\b", "http://a", ":80",
            ":", "a:b", "a:65536", "a:99999", "a:000080", "a:-1", "a:+1", "a:8 0", "a:80:80", "a%",
            "a%4", "a%4g", "%", "[", "]", "[]", "[:]", "[::1", "::1", "[::1]80", "[::1]a", "[::g]",
            "[::1%25eth0]", "[v1.a]", "[1]", "[1:2:3:4:5:6:7:8:9:a]", "a]", "a[", "a\u{E9}", "a\"",
            "a<b>", "a^", "a`", "a{", "a|", "caf\u{C3}\u{A9}.example", "a.b.c.d.e.f.g.h.i.j.k,l",
        ])
    func invalidHosts(value: String) {
        #expect(outcome("Host: \(value)\r\n") == .refused(.invalidHost))
    }

    @Test("an HTTP/1.1 request without Host is refused (RFC 9112 §3.2)")
    func missing() {
        #expect(outcome("Accept: */*\r\n") == .refused(.missingHost))
        #expect(outcome("") == .refused(.missingHost))
        #expect(outcome("Hosts: a\r\n") == .refused(.missingHost))
        #expect(
            requestOutcome("GET http://a/ HTTP/1.1\r\n\r\n") == .refused(.missingHost))
    }

    @Test("an HTTP/1.0 request needs no Host, and keeps to its rules when it has one")
    func oldVersion() {
        let head = outcome("", version: "1.0").head
        #expect(head?.authority == "")
        #expect(head?.host == "")
        #expect(outcome("Host: b\r\n", version: "1.0").head?.host == "b")
        #expect(outcome("Host: b,\r\n", version: "1.0") == .refused(.invalidHost))
        #expect(
            requestOutcome("GET http://c:81/ HTTP/1.0\r\n\r\n").head?.authority == "c:81")
    }

    @Test("Host may be empty when the target names no authority (RFC 9112 §3.2)")
    func empty() {
        for lines in ["Host:\r\n", "Host: \r\n", "Host: \t \r\n"] {
            let head = outcome(lines).head
            #expect(head?.authority == "")
            #expect(head?.host == "")
        }
    }

    @Test(
        "two Host fields are refused, equal or not (RFC 9112 §3.2)",
        arguments: [
            "Host: a\r\nHost: a\r\n", "Host: a\r\nHost: b\r\n", "Host: a\r\nX: y\r\nhost: a\r\n",
            "Host:\r\nHOST: a\r\n", "Host: a\r\nHost: a\r\nHost: a\r\n",
        ])
    func repeated(lines: String) {
        #expect(outcome(lines) == .refused(.repeatedHost))
        #expect(outcome(lines, version: "1.0") == .refused(.repeatedHost))
    }
}
