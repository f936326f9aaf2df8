public import HTTPParser

/// Which backend serves a request: affinity proposes, the balancer decides the rest.
///
/// Each worker has its own, made anew for each configuration. It holds what changes from request to
/// request: the states of backends, the balancers' turns, and the tokens that were verified. A
/// route and a selection go with the selector of their own configuration: they hold positions.
public struct BackendSelector: Sendable {
    private(set) var services: [ServiceSelector]
    var verified: VerifiedTokens

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

    /// The backends of a service as they are now.
    public func candidates(ofService service: Int) -> [Candidate] {
        services[service].candidates
    }

    /// The backend for a request, or nil when none may serve it.
    public mutating func select(
        for route: RouteAffinity, head: RequestHead, in bytes: Span<UInt8>, from client: ClientFacts
    ) -> Selection? {
        guard route.hasCanary, let canary = route.canary else {
            return selectPlainly(for: route, head, in: bytes, from: client)
        }
        guard goesToCanary(route, head, in: bytes, from: client) else {
            return selectPlainly(for: route, head, in: bytes, from: client)
        }
        guard var selection = selectPlainly(for: canary.route, head, in: bytes, from: client)
        else {
            // The primary would be a move, too.
            let mayMove =
                canary.route.onLost == .rebind
                || !isBound(to: canary.route, head, in: bytes, from: client)
            return mayMove ? selectPlainly(for: route, head, in: bytes, from: client) : nil
        }
        selection.isCanary = true
        switch selection.reason {
        case .new, .forged, .expired, .fallback, .none: selection.reason = .canary
        default: break
        }
        return selection
    }

    /// Affinity first, then what the request asks for, then chance; or what it asks for first.
    private mutating func goesToCanary(
        _ route: RouteAffinity, _ head: RequestHead, in bytes: Span<UInt8>,
        from client: ClientFacts
    ) -> Bool {
        guard let canary = route.canary else { return false }
        let verdict = canary.rule.verdict(on: head, in: bytes)
        let obeysFirst = canary.rule.settings.precedence == .rule
        if obeysFirst, verdict != .undecided { return verdict == .canary }
        if isBound(to: route, head, in: bytes, from: client) { return false }
        if isBound(to: canary.route, head, in: bytes, from: client) { return true }
        if verdict != .undecided { return verdict == .canary }
        return canary.rule.isChosen(by: services[route.service].random())
    }

    private mutating func isBound(
        to route: RouteAffinity, _ head: RequestHead, in bytes: Span<UInt8>,
        from client: ClientFacts
    ) -> Bool {
        switch route.rule {
        case .none, .hash, .application: return false
        case .clientIP(let clientIP): return clientIP.isBound(client)
        case .cookie(let cookie):
            switch cookie.reader.read(
                head, in: bytes, at: client.unixSeconds, remembering: &verified)
            {
            case .sealed, .ingressNginx: return true
            case .nothing, .forged, .expired: return false
            }
        }
    }

    private mutating func selectPlainly(
        for route: RouteAffinity, _ head: RequestHead, in bytes: Span<UInt8>,
        from client: ClientFacts
    ) -> Selection? {
        let position = route.service
        services[position].begin(
            ServiceSelector.RequestTraits(
                monotonicSeconds: client.monotonicSeconds, isIdempotent: head.method.isIdempotent,
                balance: route.balance))
        let selection = decide(for: route, head, in: bytes, from: client)
        if let selection { services[position].note(selection) }
        return selection
    }

    private mutating func decide(
        for route: RouteAffinity, _ head: RequestHead, in bytes: Span<UInt8>,
        from client: ClientFacts
    ) -> Selection? {
        let position = route.service
        switch route.rule {
        case .none:
            return services[position].pick().map {
                Selection(backend: $0, kind: .none, reason: .none, clientKey: 0)
            }
        case .cookie(let cookie):
            let presented = cookie.reader.read(
                head, in: bytes, at: client.unixSeconds, remembering: &verified)
            var selection = cookie.select(presented, from: client, in: &services[position])
            if cookie.changesOnFailure || selection?.setsCookie == true {
                selection?.omitsSameSite = cookie.omitsSameSite(for: head, in: bytes)
            }
            return selection
        case .clientIP(let clientIP):
            return clientIP.select(for: client, in: &services[position])
        case .hash(let hash):
            return hash.select(head, in: bytes, from: client, in: &services[position])
        case .application(let application):
            return application.select(head, in: bytes, from: client, in: &services[position])
        }
    }

    /// The backend to try after no connection to `failed.backend` could be made, or nil when there
    /// is no other. It depends on the session and on who is left, on nothing random.
    ///
    /// - Parameters:
    ///   - route: as in `select`; a canary's successor is of the canary.
    ///   - tried: all that were tried, `failed.backend` included.
    public mutating func successor(
        of failed: Selection, for route: RouteAffinity, excluding tried: TriedBackends,
        from client: ClientFacts
    ) -> Selection? {
        guard !tried.isFull else { return nil }
        let route = route.route(of: failed)
        let position = route.service
        switch route.rule {
        case .none:
            guard let next = services[position].pick(excluding: tried) else { return nil }
            var selection = failed
            selection.backend = next
            return selection
        case .cookie(let cookie):
            return cookie.successor(
                of: failed, from: client, excluding: tried, in: &services[position])
        case .clientIP(let clientIP):
            return clientIP.table.successor(
                of: failed, for: client, excluding: tried, in: services[position])
        case .hash(let hash):
            return hash.successor(of: failed, excluding: tried, in: &services[position])
        case .application(let application):
            return application.successor(
                of: failed, for: client, excluding: tried, in: services[position])
        }
    }

    /// Shows the response of a selection's backend to a route that learns from it. The selection
    /// is of the session that begins there, if one does.
    public func learn(
        from head: ResponseHead, in bytes: Span<UInt8>, of selection: inout Selection,
        for exchange: (route: RouteAffinity, client: ClientFacts)
    ) {
        let route = exchange.route.route(of: selection)
        guard case .application(let application) = route.rule else { return }
        let backend = services[route.service].candidates[selection.backend].identity
        let begun = application.learn(from: head, in: bytes, to: backend, at: exchange.client)
        if let begun { selection.session = begun }
    }
}
