import ProxyCore
import StickyPolicy

/// What the annotations of a route say, later ones over earlier ones.
struct RouteBehaviour {
    private enum Affinity {
        case cookie, clientIP, none
    }

    /// Nil: not said, so the service decides.
    private var affinity: Affinity?
    private var cookie = CookieSettings()
    private var sessionTimeout: UInt32?
    private(set) var aliases: [HostPattern] = []
    private(set) var upgradeProtocols: [String] = []
    private(set) var retry = RetryRule()
    private(set) var drainsOn404 = false
    private var redirectsToTLS = true
    private var forcesTLS = false
    private var speaksTLS = false
    private var verifiesBackend = true
    private var backendName: String?

    /// Which requests in the clear are sent to come again in TLS.
    var tlsRule: TLSRule {
        if forcesTLS { return .always }
        return redirectsToTLS ? .whereCertified : .never
    }

    /// How to speak to backends whose service does not say so itself; nil: in the clear.
    var upstreamTLS: UpstreamTLS? {
        guard speaksTLS else { return nil }
        var tls = UpstreamTLS()
        tls.verifies = verifiesBackend
        tls.serverName = backendName
        return tls
    }

    /// The affinity of a route to `service`: what the route says, else what the service says.
    func affinity(for service: Service) -> AffinitySettings {
        switch affinity {
        case .cookie: AffinitySettings(kind: .cookie(cookie))
        case .clientIP: AffinitySettings(kind: .clientIP(clientIP(service.clientIP)))
        case .some(.none): AffinitySettings(kind: .none)
        case nil: AffinitySettings(kind: service.clientIP.map { .clientIP($0) } ?? .none)
        }
    }

    private func clientIP(_ ofService: ClientIPSettings?) -> ClientIPSettings {
        var settings = ofService ?? ClientIPSettings()
        if let sessionTimeout { settings.timeoutSeconds = sessionTimeout }
        return settings
    }

    /// Applies annotations over what was said before. A bad value is reported and changes nothing.
    mutating func apply(_ annotations: [Annotation], _ reader: Reader) {
        for annotation in annotations { apply(annotation, reader) }
    }

    private mutating func apply(_ annotation: Annotation, _ reader: Reader) {
        let value = AnnotationValue(annotation: annotation, reader: reader)
        switch annotation.name {
        case "affinity":
            if let word = value.word(RouteBehaviour.affinityWords) { affinity = word }
        case "affinity-mode":
            if let mode = value.word(RouteBehaviour.modeWords) { cookie.mode = mode }
        case "session-cookie-name": value.cookieText { cookie.name = $0 }
        case "session-cookie-path": value.cookiePath { cookie.path = $0 }
        case "session-cookie-domain": value.cookieText { cookie.domain = $0 }
        case "session-cookie-expires":
            value.seconds(ignoringSpaces: true) { cookie.expires = $0 }
        case "session-cookie-max-age":
            value.seconds(ignoringSpaces: false) { cookie.maxAge = $0 }
        case "session-cookie-secure": value.boolean { cookie.secure = $0 }
        case "session-cookie-samesite": value.sameSite { cookie.sameSite = $0 }
        case "session-cookie-conditional-samesite-none":
            value.boolean { cookie.conditionalSameSiteNone = $0 }
        case "session-cookie-change-on-failure": value.boolean { cookie.changeOnFailure = $0 }
        case "ssl-redirect": value.boolean { redirectsToTLS = $0 }
        case "force-ssl-redirect": value.boolean { forcesTLS = $0 }
        case "backend-protocol":
            if let word = value.word(RouteBehaviour.protocolWords) { speaksTLS = word }
        case "proxy-ssl-verify":
            if let word = value.word(RouteBehaviour.switchWords) { verifiesBackend = word }
        case "proxy-ssl-name": value.hosts { backendName = RouteBehaviour.exactName($0) }
        case "session-timeout": value.timeout { sessionTimeout = $0 }
        case "server-alias": value.hosts { aliases = $0 }
        case "upgrade-protocols": value.upgradeProtocols { upgradeProtocols = $0 }
        case "proxy-next-upstream": value.retryConditions { retry.apply($0) }
        case "proxy-next-upstream-tries": value.count(0...255) { retry.tries = UInt8($0) }
        case "proxy-next-upstream-timeout":
            value.count(0...86_400) { retry.timeoutSeconds = UInt32($0) }
        case "disable-on-404": value.boolean { drainsOn404 = $0 }
        default: break
        }
    }

    private static let affinityWords = Words<Affinity>(
        supported: [("cookie", .cookie), ("client-ip", .clientIP), ("none", .none)],
        pending: ["header", "learn", "route-suffix"])

    /// Whether backends are spoken to in TLS.
    private static let protocolWords = Words<Bool>(
        supported: [("HTTP", false), ("HTTPS", true)],
        pending: ["AUTO_HTTP", "GRPC", "GRPCS", "FCGI"])

    private static let switchWords = Words<Bool>(supported: [("on", true), ("off", false)])

    private static func exactName(_ hosts: [HostPattern]) -> String? {
        if case .exact(let name) = hosts.first { name } else { nil }
    }

    private static let modeWords = Words<CookieSettings.Mode>(
        supported: [("balanced", .balanced), ("persistent", .persistent)])
}
