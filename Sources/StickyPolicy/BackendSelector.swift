public import HTTPParser

/// Which backend serves a request: affinity proposes, the balancer decides the rest.
///
/// Each worker has its own, made anew for each configuration. It holds what changes from request to
/// request: the states of backends, the balancers' turns, and the tokens that were verified. A
/// route and a selection go with the selector of their own configuration: they hold positions.
public struct BackendSelector: Sendable {
    private var services: [ServiceSelector]
    private var verified: VerifiedTokens

    /// - Parameters:
    ///   - services: all of the configuration, each at its position.
    ///   - seed: random, another for each worker.
    public init(services: [ServiceProfile], seed: UInt64) {
        var seeds = SplitMix64(seed: seed)
        self.services = services.map { ServiceSelector($0, seed: seeds.next()) }
        verified = VerifiedTokens()
    }

    /// What health or the operator says about a backend.
    public mutating func setState(of backend: Int, inService service: Int, to state: BackendState) {
        services[service].setState(of: backend, to: state)
    }

    /// The backend for a request, or nil when none may serve it.
    public mutating func select(
        for route: RouteAffinity, head: RequestHead, in bytes: Span<UInt8>, from client: ClientFacts
    ) -> Selection? {
        switch route.rule {
        case .none:
            return services[route.service].pick().map {
                Selection(backend: $0, kind: .none, reason: .none, clientKey: 0)
            }
        case .cookie(let cookie):
            let presented = cookie.presented(
                by: head, in: bytes, at: client.unixSeconds, remembering: &verified)
            var selection = cookie.select(presented, from: &services[route.service])
            if cookie.changesOnFailure || selection?.setsCookie == true {
                selection?.omitsSameSite = cookie.omitsSameSite(for: head, in: bytes)
            }
            return selection
        case .clientIP(let clientIP):
            return clientIP.select(for: client, from: &services[route.service])
        }
    }

    /// The backend to try after no connection to `failed.backend` could be made, or nil when there
    /// is no other. It depends on the session and on who is left, on nothing random.
    ///
    /// - Parameter tried: all that were tried, `failed.backend` included.
    public mutating func successor(
        of failed: Selection, for route: RouteAffinity, excluding tried: TriedBackends,
        from client: ClientFacts
    ) -> Selection? {
        guard !tried.isFull else { return nil }
        switch route.rule {
        case .none:
            guard let next = services[route.service].pick(excluding: tried) else { return nil }
            var selection = failed
            selection.backend = next
            return selection
        case .cookie(let cookie):
            return cookie.successor(of: failed, excluding: tried, from: &services[route.service])
        case .clientIP(let clientIP):
            return clientIP.successor(
                of: failed, for: client, excluding: tried, from: services[route.service])
        }
    }
}
