import ProxyCore
import StickyPolicy

/// What the annotations of a route say, later ones over earlier ones.
struct RouteBehaviour {
    private enum Affinity {
        case cookie, clientIP, header, learn, routeSuffix, none
    }

    /// Nil: not said, so the service decides.
    private var affinity: Affinity?
    private var cookie = CookieBehaviour()
    private var hash = HashBehaviour()
    private(set) var canary = CanaryBehaviour()
    private var sessionTimeout: UInt32?
    private var learnedCookie = "JSESSIONID"
    private var balance: BalanceKind?
    /// `load-balance: chash`.
    private var balancesByHash = false
    private var onLost = AffinitySettings.OnLost.rebind
    private var usesPatterns = false
    private(set) var aliases: [HostPattern] = []
    private(set) var upgradeProtocols: [String] = []
    private(set) var retry = RetryRule()
    private var asksDrainOn404 = false
    private(set) var closesTunnelsOnDrain = false
    private var redirectsToTLS = true
    private var forcesTLS = false
    private var backendTLS = BackendTLSBehaviour()
    private var clientCertificate = ClientCertificateBehaviour()
    private var guards = GuardBehaviour()

    /// Nobody may be served: what was to keep clients out cannot be done. A canary's clients are
    /// its primary's, whose guards count.
    var isClosed: Bool { guards.closes && !canary.isOn }

    var drainsOn404: Bool { asksDrainOn404 && !isClosed }

    /// Which requests in the clear are sent to come again in TLS.
    var tlsRule: TLSRule {
        if forcesTLS { return .always }
        return redirectsToTLS ? .whereCertified : .never
    }

    /// How to speak to backends whose service does not say so itself; nil: in the clear.
    func upstreamTLS(in secrets: KubernetesSecrets) -> UpstreamTLS? {
        backendTLS.settings(in: secrets)
    }

    /// What clients must show of themselves; nil for nothing.
    func clientVerification(in secrets: KubernetesSecrets) -> ClientVerification? {
        clientCertificate.verification(in: secrets)
    }

    /// Certificates are asked for by host, and a default has none: what hosts that no rule names
    /// send to it would be taken without one, which nobody who wrote the annotation expects.
    var defaultAsksNobody: String {
        "auth-tls-secret has no effect on a default backend: give it a rule without a host"
    }

    /// Whether a path is a regular expression. A Prefix is one where it could be nothing else: many
    /// files say so, from the time before ingress-nginx refused it.
    func isPattern(_ path: String, _ pathType: PathType) -> Bool {
        guard usesPatterns else { return false }
        switch pathType {
        case .exact: return false
        case .prefix: return path.contains { "()[]{}*+?|^$\\".contains($0) }
        case .implementationSpecific: return true
        }
    }

    /// The affinity of a route to `service`: what the route says, else what the service says.
    func affinity(for service: Service) -> AffinitySettings {
        var settings = AffinitySettings(kind: kind(for: service))
        settings.balance = balance
        settings.onLost = onLost
        return settings
    }

    /// All that a route to `service` does with its requests.
    ///
    /// - Parameter verification: what its clients must show of themselves.
    func treatment(for service: Service, _ verification: ClientVerification?) -> RouteTreatment {
        var treatment = RouteTreatment(affinity: affinity(for: service))
        treatment.upgradeProtocols = upgradeProtocols
        treatment.retry = retry
        treatment.closesTunnelsOnDrain = closesTunnelsOnDrain
        treatment.tlsRule = tlsRule
        treatment.clientVerification = verification
        return treatment
    }

    private func kind(for service: Service) -> AffinitySettings.Kind {
        // Nobody is bound where nobody is served, and nobody's cookie is met there.
        if isClosed { return .none }
        switch affinity {
        case .cookie: return .cookie(cookie.settings)
        case .clientIP: return .clientIP(clientIP(service.clientIPConfig))
        case .header: return hash.byField.map { .hash($0) } ?? .none
        case .learn:
            return application(.learn(timeoutSeconds: sessionTimeout ?? 10_800))
        case .routeSuffix: return application(.routeSuffix)
        case .some(.none), nil: break
        }
        if let settings = hash.byExpression { return .hash(settings) }
        guard affinity == nil, let settings = service.clientIP else { return .none }
        return .clientIP(settings)
    }

    private func application(_ mode: ApplicationCookieSettings.Mode) -> AffinitySettings.Kind {
        var settings = ApplicationCookieSettings(mode: mode)
        settings.cookieName = learnedCookie
        return .application(settings)
    }

    /// What a canary does with its clients: what its primary does, or as `legacy` nothing of it.
    func affinity(asCanaryOf primary: AffinitySettings) -> AffinitySettings {
        var settings = primary
        let isLegacy = !canary.settings.isSticky
        if isLegacy { settings.kind = .none }
        if case .hash = settings.kind { settings.kind = .none }
        if settings.kind == .none, !isLegacy, let own = hash.byExpression {
            settings.kind = .hash(own)
        }
        if let balance { settings.balance = balance }
        return settings
    }

    private func clientIP(_ ofService: ClientIPSettings) -> ClientIPSettings {
        var settings = ofService
        if let sessionTimeout { settings.timeoutSeconds = sessionTimeout }
        return settings
    }

    /// Applies annotations over what was said before. A bad value is reported and changes nothing.
    mutating func apply(_ annotations: [Annotation], _ reader: Reader) {
        for annotation in annotations { apply(annotation, reader) }
    }

    /// Reports what only the whole of the annotations shows.
    func check(_ reader: Reader, at position: Position) {
        if balancesByHash, hash.byExpression == nil {
            reader.warn(
                "'load-balance: chash' has no effect without 'upstream-hash-by'", at: position)
        }
        guard affinity == .header, hash.byField == nil else { return }
        reader.fault(
            "'affinity: header' names no field: every request is balanced", at: position,
            help: "name it with 'session-header-name'")
    }

    private mutating func apply(_ annotation: Annotation, _ reader: Reader) {
        let value = AnnotationValue(annotation: annotation, reader: reader)
        switch annotation.name {
        case "affinity":
            if let word = value.word(RouteBehaviour.affinityWords) { affinity = word }
        case "ssl-redirect": value.boolean { redirectsToTLS = $0 }
        case "force-ssl-redirect": value.boolean { forcesTLS = $0 }
        case "backend-protocol": backendTLS.apply(annotation.name, value)
        case "session-on-lost":
            if let word = value.word(RouteBehaviour.onLostWords) { onLost = word }
        case "load-balance": applyBalance(value)
        case "session-timeout": value.timeout { sessionTimeout = $0 }
        case "session-learn-cookie": value.cookieText { learnedCookie = $0 }
        case "serve-unguarded": guards.apply(annotation.name, value)
        case let name where AnnotationVocabulary.guarding.contains(name):
            guards.apply(name, value)
        case "use-regex": value.boolean { usesPatterns = $0 }
        case "server-alias": value.hosts { aliases = $0 }
        case "upgrade-protocols": value.upgradeProtocols { upgradeProtocols = $0 }
        case "proxy-next-upstream": value.retryConditions { retry.apply($0) }
        case "proxy-next-upstream-tries": value.count(0...255) { retry.tries = UInt8($0) }
        case "proxy-next-upstream-timeout":
            value.count(0...86_400) { retry.timeoutSeconds = UInt32($0) }
        case "disable-on-404": value.boolean { asksDrainOn404 = $0 }
        case "close-tunnels-on-drain": value.boolean { closesTunnelsOnDrain = $0 }
        default:
            if annotation.name.hasPrefix("proxy-ssl-") {
                backendTLS.apply(annotation.name, value)
            } else if annotation.name.hasPrefix("auth-tls-") {
                clientCertificate.apply(annotation.name, value)
            } else if annotation.name.contains("canary") {
                canary.apply(annotation.name, value)
            } else if annotation.name.contains("cookie") || annotation.name == "affinity-mode" {
                cookie.apply(annotation.name, value)
            } else {
                hash.apply(annotation.name, value)
            }
        }
    }

    /// Two of ingress-nginx's words only repeat what `upstream-hash-by` says.
    private mutating func applyBalance(_ value: AnnotationValue) {
        if value.isUpstreamWord("chash") || value.isUpstreamWord("chashsubset") {
            balancesByHash = true
        } else if value.isUpstreamWord("sticky_balanced")
            || value.isUpstreamWord("sticky_persistent")
        {
            value.warn("has no effect: 'affinity: cookie' with 'affinity-mode' does that")
        } else if value.isUpstreamWord("ip_hash") {
            value.warn("has no effect: 'affinity: client-ip' does that")
        } else if let word = value.word(ShortFormWords.balance) {
            balance = word
        }
    }

    private static let affinityWords = Words<Affinity>(
        supported: [
            ("cookie", .cookie), ("client-ip", .clientIP), ("header", .header), ("learn", .learn),
            ("route-suffix", .routeSuffix), ("none", .none),
        ])

    private static let onLostWords = Words<AffinitySettings.OnLost>(
        supported: [("rebind", .rebind), ("error", .error)])
}
