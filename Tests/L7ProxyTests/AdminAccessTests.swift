import HTTPParser
import Testing

@testable import L7Proxy

@Suite("Who may ask the admin listener")
struct AdminAccessTests {
    private static let token = Array("0123456789abcdef".utf8)

    static func request(_ text: String) throws -> AdminRequest {
        let bytes = Array(text.utf8)
        var head = RequestHead()
        var scannedCount = 0
        let limits = ParserLimits(
            headBytesMax: 16_384, targetBytesMax: 16_384, fieldCountMax: 64)
        _ = try RequestParser(limits: limits)
            .parse(bytes.span, scannedCount: &scannedCount, into: &head)
        return AdminRequest(head, in: bytes.span)
    }

    private static func status(
        _ method: String, host: String, _ fields: String..., token: [UInt8]? = nil
    ) throws -> UInt16? {
        let lines = ["\(method) /api/backends HTTP/1.1", "Host: \(host)"] + fields
        let request = try request(lines.joined(separator: "\r\n") + "\r\n\r\n")
        return AdminAccess(token: token).refusal(of: request)?.status
    }

    @Test(
        "without a token, Host has to be a literal address or localhost",
        arguments: [
            ("127.0.0.1:9901", nil), ("127.0.0.1", nil), ("[::1]:9901", nil),
            ("localhost:9901", nil), ("LOCALHOST", nil), ("admin.localhost:9901", nil),
            ("192.0.2.1", nil), ("evil.example", 403), ("localhost.evil.example", 403),
            ("notlocalhost", 403), ("127.0.0.1.evil.example", 403),
        ] as [(String, UInt16?)])
    func hosts(host: String, expected: UInt16?) throws {
        #expect(try Self.status("GET", host: host) == expected)
        #expect(try Self.status("POST", host: host) == expected)
    }

    @Test(
        "a POST of another site's page is refused, with and without a token",
        arguments: [
            (["Origin: http://127.0.0.1:9901"], nil), ([], nil),
            (["Origin: https://127.0.0.1:9901"], nil),
            (["Origin: http://127.0.0.1:8080"], 403), (["Origin: http://evil.example"], 403),
            (["Origin: null"], 403),
            (["Origin: http://127.0.0.1:9901", "Origin: http://evil.example"], 403),
        ] as [([String], UInt16?)])
    func origins(fields: [String], expected: UInt16?) throws {
        for token in [nil, Self.token] {
            let lines =
                ["POST /api/backends/a/drain HTTP/1.1", "Host: 127.0.0.1:9901"] + fields
                + ["Authorization: Bearer 0123456789abcdef"]
            let request = try Self.request(lines.joined(separator: "\r\n") + "\r\n\r\n")
            #expect(AdminAccess(token: token).refusal(of: request)?.status == expected)
        }
    }

    @Test(
        "with a token, only who shows exactly it may ask",
        arguments: [
            (["Authorization: Bearer 0123456789abcdef"], nil),
            (["authorization: bearer 0123456789abcdef"], nil),
            ([], 401), (["Authorization: Bearer "], 401), (["Authorization: Bearer"], 401),
            (["Authorization: Bearer 0123456789abcdeF"], 401),
            (["Authorization: Bearer 0123456789abcde"], 401),
            (["Authorization: Bearer 0123456789abcdef0"], 401),
            (["Authorization: Bearer 0123456789abcdef0123456789abcdef"], 401),
            (["Authorization: Basic 0123456789abcdef"], 401),
            (["Authorization: Bearer x", "Authorization: Bearer 0123456789abcdef"], 401),
        ] as [([String], UInt16?)])
    func tokens(fields: [String], expected: UInt16?) throws {
        let lines = ["GET /metrics HTTP/1.1", "Host: proxy.example"] + fields
        let request = try Self.request(lines.joined(separator: "\r\n") + "\r\n\r\n")
        #expect(AdminAccess(token: Self.token).refusal(of: request)?.status == expected)
    }

    @Test("probes need no token and no Host of ours", arguments: ["/healthz", "/readyz"])
    func probes(path: String) throws {
        let request = try Self.request("GET \(path) HTTP/1.1\r\nHost: kubelet.example\r\n\r\n")
        for token in [nil, Self.token] {
            #expect(AdminAccess(token: token).refusal(of: request) == nil)
        }
    }

    @Test("the page that asks for the token needs none, and its Host is looked at without one")
    func page() throws {
        func status(_ method: String, _ path: String, _ token: [UInt8]?) throws -> UInt16? {
            let request = try Self.request(
                "\(method) \(path) HTTP/1.1\r\nHost: proxy.example\r\n\r\n")
            return AdminAccess(token: token).refusal(of: request)?.status
        }
        #expect(try status("GET", "/", Self.token) == nil)
        #expect(try status("HEAD", "/", Self.token) == nil)
        #expect(try status("POST", "/", Self.token) == 401)
        #expect(try status("GET", "/api/backends", Self.token) == 401)
        #expect(try status("GET", "/", nil) == 403)
    }

    @Test(
        "paths and queries are decoded",
        arguments: [
            ("/api/backends/10.0.0.1%3A80/drain", ["api", "backends", "10.0.0.1:80", "drain"]),
            ("//api///x%", ["api", "x%"]), ("/%zz%4", ["%zz%4"]), ("/", []),
        ])
    func paths(target: String, expected: [String]) throws {
        let request = try Self.request("GET \(target)?a=1%202+3&b&a=x HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(request.path == expected)
        #expect(request.values("a") == ["1 2 3", "x"])
        #expect(request.value("b") == "" && request.value("c") == nil)
    }

    @Test("what is encoded is decoded to the same", arguments: ["", "a/b?c=d&é", "\u{1}%+ "])
    func encoding(text: String) {
        #expect(PercentEncoding.decode(PercentEncoding.encode(text)) == text)
    }
}
