import HTTPParser
import ProxyCore

/// An answer of the admin listener.
struct AdminResponse: Sendable {
    enum MediaType: String, Sendable {
        case text = "text/plain; charset=utf-8"
        case json = "application/json"
        case metrics = "text/plain; version=0.0.4; charset=utf-8"
        case html = "text/html; charset=utf-8"
    }

    var status: UInt16 = 200
    var mediaType = MediaType.text
    var body: [UInt8]
    /// For a 405: the methods that are possible.
    var allow: StaticString = ""
    /// What the page may load and who may frame it; by default nothing and nobody.
    var contentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'"

    init(_ mediaType: MediaType, _ body: [UInt8]) {
        self.mediaType = mediaType
        self.body = body
    }

    /// A line for people.
    init(status: UInt16, _ line: String) {
        self.status = status
        body = Array((line + "\n").utf8)
    }

    /// The whole message.
    ///
    /// - Parameter omitsBody: RFC 9110 §9.3.2: the answer to HEAD.
    func bytes(date: String, isLast: Bool, omitsBody: Bool) -> [UInt8] {
        var head = "HTTP/1.1 \(status) \(LocalResponse.reason(of: status))\r\n"
        head += "Date: \(date)\r\nContent-Type: \(mediaType.rawValue)\r\n"
        head += "Content-Length: \(body.count)\r\nCache-Control: no-store\r\n"
        head += "X-Content-Type-Options: nosniff\r\n"
        head += "Content-Security-Policy: \(contentSecurityPolicy)\r\n"
        if allow.utf8CodeUnitCount > 0 { head += "Allow: \(allow)\r\n" }
        // RFC 9110 §11.6.1.
        if status == 401 { head += "WWW-Authenticate: Bearer\r\n" }
        if isLast { head += "Connection: close\r\n" }
        return Array((head + "\r\n").utf8) + (omitsBody ? [] : body)
    }
}
