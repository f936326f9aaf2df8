import HTTPParser
import StickyPolicy

/// Who may ask the admin listener what.
///
/// A browser on the operator's machine is the danger of a local address: any page it shows may send
/// requests there. What such a page cannot do is to leave out its own `Origin` with a POST, or to
/// name our address in `Host` after it has turned its own name to us (DNS rebinding).
struct AdminAccess: Sendable {
    /// Nil: whoever reaches the listener may.
    let token: [UInt8]?

    struct Refusal: Equatable, Sendable {
        let status: UInt16
        let reason: String
    }

    /// Nil when the request may be answered.
    func refusal(of request: AdminRequest) -> Refusal? {
        // Probes know no token, and learn nothing but a word.
        if request.isProbe { return nil }
        if let token {
            // The page knows nothing: it asks its reader for the token, and us for the rest.
            if request.isPage { return nil }
            guard AdminAccess.shows(token, request) else {
                return Refusal(status: 401, reason: "a bearer token is required")
            }
        } else if !AdminAccess.isOwnName(request.host) {
            return Refusal(
                status: 403, reason: "the Host field must be an IP address or localhost")
        }
        guard request.method != .post || AdminAccess.isOwnOrigin(request) else {
            return Refusal(status: 403, reason: "the Origin field is that of another site")
        }
        return nil
    }

    private static func shows(_ token: [UInt8], _ request: AdminRequest) -> Bool {
        guard request.authorizations.count == 1, let value = request.authorizations.first,
            value.utf8.count > 7, value.prefix(7).lowercased() == "bearer "
        else { return false }
        return isEqual(Array(value.utf8.dropFirst(7)), token)
    }

    /// Takes the same time wherever the two differ.
    static func isEqual(_ shown: [UInt8], _ token: [UInt8]) -> Bool {
        var difference = shown.count ^ token.count
        for index in token.indices {
            difference |= Int(shown[index % max(1, shown.count)] ^ token[index])
        }
        return difference == 0
    }

    /// A literal address cannot be turned to us by somebody's name server.
    private static func isOwnName(_ host: String) -> Bool {
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        return IPAddress(isBracketed ? String(host.dropFirst().dropLast()) : host) != nil
    }

    /// Programs send no Origin; browsers send one with every POST (RFC 6454 §7.3).
    private static func isOwnOrigin(_ request: AdminRequest) -> Bool {
        switch request.origins.count {
        case 0: true
        case 1:
            request.origins[0] == "http://" + request.authority
                || request.origins[0] == "https://" + request.authority
        default: false
        }
    }
}

extension AdminRequest {
    var isProbe: Bool { path == ["healthz"] || path == ["readyz"] }
    var isPage: Bool { method != .post && path == [] }
}
