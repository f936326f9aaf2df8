public import HTTPParser

/// How the clients of one route belong to the backends of its service: settings, names and constant
/// bytes, made ready once per configuration and shared by all workers.
public final class RouteAffinity: Sendable {
    /// Position of the service in the configuration.
    public let service: Int
    let rule: Rule
    let balance: BalanceKind?
    let onLost: AffinitySettings.OnLost
    /// An alternative that some requests go to.
    let canary: (rule: CanaryRule, route: RouteAffinity)?
    /// To look at `canary` means to copy it, and nearly no route has one.
    let hasCanary: Bool
    /// The cookie that backends do not get to see; nil when they see all.
    public let strippedCookie: CookieScanner?

    enum Rule: Sendable {
        case none
        case cookie(CookieAffinity)
        case clientIP(ClientIPAffinity)
        case hash(HashAffinity)
        case application(ApplicationAffinity)

        fileprivate var strippedCookie: CookieScanner? {
            if case .cookie(let cookie) = self { cookie.strippedScanner } else { nil }
        }
    }

    /// What all routes of the process share.
    public struct Resources: Sendable {
        let authenticator: any MessageAuthenticator
        let sessions: SessionTable
        public let loads: BackendLoads

        public init(
            authenticator: any MessageAuthenticator, sessions: SessionTable,
            loads: BackendLoads
        ) {
            self.authenticator = authenticator
            self.sessions = sessions
            self.loads = loads
        }

        /// The same for questions: what is decided with them leaves no trace in these.
        public func forQuestions() -> Resources {
            Resources(
                authenticator: authenticator, sessions: SessionTable(asking: sessions),
                loads: BackendLoads())
        }
    }

    /// - Parameter path: the path of the route's rule.
    public init(
        _ settings: AffinitySettings, path: String, service: ServiceProfile, resources: Resources
    ) {
        self.service = service.position
        balance = settings.balance
        onLost = settings.onLost
        canary = nil
        hasCanary = false
        rule = Self.rule(settings, path: path, service: service, resources: resources)
        strippedCookie = rule.strippedCookie
    }

    /// The same route with a canary: `rule` decides which requests go there.
    public init(_ primary: RouteAffinity, canary route: RouteAffinity, chosenBy rule: CanaryRule) {
        service = primary.service
        balance = primary.balance
        onLost = primary.onLost
        self.rule = primary.rule
        canary = (rule, route)
        hasCanary = true
        strippedCookie = primary.strippedCookie
    }

    private static func rule(
        _ settings: AffinitySettings, path: String, service: ServiceProfile, resources: Resources
    ) -> Rule {
        let (onLost, sessions) = (settings.onLost, resources.sessions)
        switch settings.kind {
        case .cookie(let cookie):
            return .cookie(
                CookieAffinity(
                    cookie, onLost: onLost, line: SetCookie(cookie, routePath: path),
                    service: service, authenticator: resources.authenticator))
        case .clientIP(let clientIP):
            return .clientIP(
                ClientIPAffinity(clientIP, onLost: onLost, service: service, sessions: sessions))
        case .hash(let hash):
            return .hash(HashAffinity(hash, onLost: onLost, service: service, sessions: sessions))
        case .application(let cookie):
            return .application(
                ApplicationAffinity(cookie, onLost: onLost, service: service, sessions: sessions))
        case .none:
            // A route's own affinity wins over the service's.
            guard let clientIP = service.clientIP else { return .none }
            return .clientIP(
                ClientIPAffinity(clientIP, onLost: onLost, service: service, sessions: sessions))
        }
    }

    /// The route that a selection is of: this one, or its canary.
    public func route(of selection: Selection) -> RouteAffinity {
        selection.isCanary ? canary?.route ?? self : self
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
        let isBound = selection.reason == .hit || selection.reason == .migrated
        return isBound && !cookie.changesOnFailure
    }

    /// Whether responses have to be shown to `learn`.
    public var learns: Bool {
        if case .application(let application) = rule { application.table != nil } else { false }
    }

    /// Keeps a client's session while its tunnel is open; nil when no table holds it.
    public func hold(_ selection: Selection, for client: ClientFacts) -> SessionHold? {
        guard let key = selection.session else { return nil }
        switch rule {
        case .clientIP(let clientIP): return clientIP.table.hold(key, for: client)
        case .application(let application): return application.table?.hold(key, for: client)
        case .none, .cookie, .hash: return nil
        }
    }
}
