public import HTTPParser

/// How the clients of one route belong to the backends of its service: settings, names and constant
/// bytes, made ready once per configuration and shared by all workers.
public final class RouteAffinity: Sendable {
    /// Position of the service in the configuration.
    public let service: Int
    let rule: Rule

    enum Rule: Sendable {
        case none
        case cookie(CookieAffinity)
        case clientIP(ClientIPAffinity)
    }

    /// What all routes of the process share.
    public struct Resources: Sendable {
        let authenticator: any MessageAuthenticator
        let sessions: SessionTable

        public init(authenticator: any MessageAuthenticator, sessions: SessionTable) {
            self.authenticator = authenticator
            self.sessions = sessions
        }
    }

    /// - Parameter path: the path of the route's rule.
    public init(
        _ settings: AffinitySettings, path: String, service: ServiceProfile, resources: Resources
    ) {
        self.service = service.position
        rule =
            switch settings.kind {
            case .cookie(let cookie):
                .cookie(
                    CookieAffinity(
                        cookie, routePath: path, service: service,
                        authenticator: resources.authenticator))
            case .clientIP(let clientIP):
                .clientIP(
                    ClientIPAffinity(clientIP, service: service, sessions: resources.sessions))
            case .none:
                // A route's own affinity wins over the service's.
                service.clientIP.map {
                    .clientIP(ClientIPAffinity($0, service: service, sessions: resources.sessions))
                } ?? .none
            }
    }

    /// Appends a whole `Set-Cookie` line when the selection sets a cookie; else nothing.
    ///
    /// - Parameters:
    ///   - isSecure: whether the client's connection is TLS, by its own or a trusted peer's word.
    ///   - unixSeconds: when the response is sent.
    public func appendSetCookie(
        for selection: Selection, isSecure: Bool, at unixSeconds: Int64,
        to writer: inout ByteWriter
    ) {
        guard selection.setsCookie, case .cookie(let cookie) = rule else { return }
        cookie.appendSetCookie(
            for: selection, isSecure: isSecure, at: unixSeconds, to: &writer)
    }

    /// Whether a request that was sent and came to nothing is sent again to the same backend: a
    /// session stays where its cookie says, unless that may change on failure.
    public func staysAfterFailure(_ selection: Selection) -> Bool {
        guard case .cookie(let cookie) = rule else { return false }
        return selection.reason == .hit && !cookie.changesOnFailure
    }

    /// Keeps a client's session while its tunnel is open; nil when no table holds it.
    public func hold(for client: ClientFacts) -> SessionHold? {
        guard case .clientIP(let clientIP) = rule else { return nil }
        return clientIP.hold(for: client)
    }
}
