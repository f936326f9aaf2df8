import HTTPParser

/// A request as a client would send it, parsed by what parses all requests.
struct ExplainedRequest {
    let bytes: [UInt8]
    let head: RequestHead
    /// The URL says https.
    let isSecure: Bool

    /// Nil when the URL is none, or a field is malformed.
    init?(url: String, fields: [String]) {
        let schemes = ["http://", "https://"]
        guard let scheme = schemes.first(where: { url.lowercased().hasPrefix($0) }) else {
            return nil
        }
        let rest = url.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        var target = rest.dropFirst(authority.count).prefix { $0 != "#" }
        if !target.hasPrefix("/") { target = "/" + target }
        let lines = ["GET \(target) HTTP/1.1", "Host: \(authority)"] + fields
        let bytes = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
        let limits = ParserLimits(
            headBytesMax: 1 << 20, targetBytesMax: 1 << 20, fieldCountMax: 254)
        var head = RequestHead()
        var scannedCount = 0
        let progress = try? RequestParser(limits: limits).parse(
            bytes.span, scannedCount: &scannedCount, into: &head)
        guard case .complete = progress, !authority.isEmpty else { return nil }
        isSecure = scheme == schemes[1]
        self.bytes = bytes
        self.head = head
    }
}
