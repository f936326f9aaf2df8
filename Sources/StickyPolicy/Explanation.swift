public import HTTPParser

/// Why a request went where it went: a selection, and what it was made from.
public struct Explanation: Sendable {
    /// What the affinity cookie of a request was found to be.
    public enum Cookie: Equatable, Sendable {
        case absent
        /// Not of our making, or not of this service.
        case forged
        /// Too old, idle for too long, or from the future.
        case expired
        /// Verified; its age, and the position of the key that signed it.
        case sealed(ageSeconds: Int64, key: Int)
        /// Of ingress-nginx, for a pod of this service or with a key of it.
        case ingressNginx
    }

    /// Nil when no backend may serve the request.
    public let selection: Selection?
    /// Nil when the route has no affinity cookie.
    public let cookie: Cookie?
    /// The service that the request went to, or would have.
    public let service: Int
    /// Position of the backend that the key belongs to when all are ready, where a key decides.
    public let owner: Int?
    /// The backends of the service.
    public let candidates: [Candidate]
}

extension BackendSelector {
    /// Selects as `select` does, with the same effects, and says why.
    public mutating func explain(
        for route: RouteAffinity, head: RequestHead, in bytes: Span<UInt8>, from client: ClientFacts
    ) -> Explanation {
        let selection = select(for: route, head: head, in: bytes, from: client)
        let chosen = selection.map { route.route(of: $0) } ?? route
        let service = services[chosen.service]
        var cookie: Explanation.Cookie?
        var owner: Int?
        switch chosen.rule {
        case .cookie(let affinity):
            let presented = affinity.reader.read(
                head, in: bytes, at: client.unixSeconds, remembering: &verified)
            cookie = Explanation.Cookie(presented, at: client.unixSeconds)
            owner = selection.flatMap { affinity.home(of: $0, in: service) }
        case .hash(let affinity): owner = selection.flatMap { affinity.home(of: $0, in: service) }
        case .none, .clientIP, .application: break
        }
        return Explanation(
            selection: selection, cookie: cookie, service: chosen.service, owner: owner,
            candidates: service.candidates)
    }
}

extension Explanation.Cookie {
    fileprivate init(_ presented: PresentedCookie, at unixSeconds: Int64) {
        switch presented {
        case .nothing: self = .absent
        case .forged: self = .forged
        case .expired: self = .expired
        case .sealed(let opened):
            self = .sealed(ageSeconds: unixSeconds - opened.token.issuedAt, key: opened.key)
        case .ingressNginx: self = .ingressNginx
        }
    }
}
