import HTTPParser
import ProxyConfig
import ProxyCore
import StickyPolicy
import Transport

/// One version of the configuration, made ready for the data path: immutable, shared by all
/// workers, swapped whole.
final class ConfigSnapshot: Sendable {
    let configuration: Configuration
    let routeTable: RouteTable
    let resolver: ClientAddressResolver
    let services: [ServiceProfile]
    let requestParser: RequestParser
    let responseParser: ResponseParser
    /// One for each route, at its position.
    private let routeAffinities: [RouteAffinity]
    private let routeUpgrades: [[[UInt8]]]
    private let retryRules: [RetryRule]
    private let routesCloseTunnels: [Bool]
    /// For requests that no route matches; nil answers 404.
    private let defaultAffinity: RouteAffinity?
    /// One for each route: whether it is served in TLS only.
    private let routesNeedTLS: [Bool]
    private let tls: TLSContexts
    /// One for each service, at its position.
    let health: [ServiceHealth]
    let healthBoard: HealthBoard
    /// Nil where no line of a log needs them.
    let accessLogNames: AccessLogNames?
    let counterNames: RouteCounterNames
    let resources: RouteAffinity.Resources

    init(
        _ configuration: Configuration, resources: RouteAffinity.Resources, health: HealthBoard,
        tls: TLSContexts
    ) {
        healthBoard = health
        self.resources = resources
        self.health = health.services(for: configuration.services)
        self.configuration = configuration
        accessLogNames =
            configuration.accessLog?.format == .json ? AccessLogNames(configuration) : nil
        counterNames = RouteCounterNames(configuration)
        self.tls = tls
        var affinities = RouteAffinities(configuration, resources: resources)
        services = affinities.services
        routeTable = RouteTable(compiling: configuration.routes)
        routeAffinities = configuration.routes.map { affinities.make($0) }
        routeUpgrades = configuration.routes.map { $0.upgradeProtocols.map { Array($0.utf8) } }
        retryRules = configuration.routes.map(\.retry)
        routesCloseTunnels = configuration.routes.map(\.closesTunnelsOnDrain)
        routesNeedTLS = configuration.routes.map { $0.needsTLS(tls) }
        defaultAffinity = affinities.makeDefault(configuration)
        resolver = ClientAddressResolver(
            source: ClientAddressResolver.Source(configuration.clientIP.source),
            trusted: configuration.clientIP.trusted)
        requestParser = RequestParser(limits: ParserLimits(ofRequests: configuration.limits))
        responseParser = ResponseParser(limits: ParserLimits(ofResponses: configuration.limits))
    }

    /// What is to be told of backends to a process that takes this one's place.
    var knownBackends: [KnownBackend] {
        zip(configuration.services, health).flatMap { service, health in
            service.backends.indices.map { position in
                let backend = service.backends[position]
                return KnownBackend(
                    service: service.name, name: backend.name,
                    address: backend.endpoint.description,
                    configured: health.administrative[position].configured,
                    wanted: health.administrative[position].current,
                    health: health.cells[position].health.rawValue)
            }.filter(\.isOfInterest)
        }
    }

    /// The longest head of either direction.
    var headBytesMax: Int {
        max(configuration.limits.requestHead, configuration.limits.responseHead)
    }

    /// For a failure that concerns no listener in particular.
    var anyListener: ListenerAddress { configuration.listeners[0] }

    /// How the route of a match treats its requests; nil where nothing serves it.
    func plan(of match: RouteMatch) -> RoutePlan? {
        switch match {
        case .route(let position):
            return RoutePlan(affinity: routeAffinities[position], retry: retryRules[position])
        case .none:
            return defaultAffinity.map {
                RoutePlan(affinity: $0, retry: configuration.defaultRetry)
            }
        case .ambiguous: return nil
        }
    }

    /// Whether tunnels do not outlive their backend's place in the configuration.
    ///
    /// - Parameter route: its position; nil for the default service.
    func closesTunnelsOnDrain(ofRoute route: Int?) -> Bool {
        route.map { routesCloseTunnels[$0] } ?? configuration.defaultClosesTunnelsOnDrain
    }

    /// The protocols besides WebSocket that a request of this match may change to.
    func upgradeProtocols(of match: RouteMatch) -> [[UInt8]] {
        guard case .route(let position) = match else { return [] }
        return routeUpgrades[position]
    }

    /// Whether a request of this match is served in TLS only.
    func needsTLS(_ match: RouteMatch) -> Bool {
        guard case .route(let position) = match else { return false }
        return routesNeedTLS[position]
    }

    /// What a listener does with TLS; nil for one that speaks in the clear.
    func listenerTLS(at address: ListenerAddress) -> TLSListener? {
        guard let context = tls.listeners[address],
            let settings = configuration.listenerTLS[address]
        else { return nil }
        return TLSListener(
            context, sendsHSTS: settings.sendsHSTS,
            handshakeNanoseconds: configuration.timeouts.tlsHandshake.wholeNanoseconds,
            rules: clientRules.rules)
    }

    var clientRules: ClientRules { tls.clientRules }

    /// When the certificates end that clients are shown.
    var certificateExpiries: [CertificateExpiry] { tls.expiries }

    /// How a backend of a service is spoken to; nil for in the clear.
    func backendTLS(_ backend: Backend, ofService service: Int) -> TLSClientContext? {
        guard let usual = tls.services[service], let host = backend.host else {
            return tls.services[service]
        }
        return tls.named[NamedService(position: service, host: host)] ?? usual
    }

    /// The first port where clients find us in TLS, or in the clear; nil when there is none.
    func port(inTLS isSecure: Bool) -> UInt16? {
        for case .tcp(let endpoint) in configuration.listeners
        where (tls.listeners[.tcp(endpoint)] != nil) == isSecure {
            return endpoint.port
        }
        return nil
    }
}

extension Route {
    /// As in ingress-nginx, what certificates are fetched with stays in the clear.
    fileprivate func needsTLS(_ tls: TLSContexts) -> Bool {
        guard !path.hasPrefix("/.well-known/acme-challenge") else { return false }
        switch tlsRule {
        case .never: return false
        case .always: return true
        case .whereCertified:
            switch host {
            case .any: return false
            case .exact(let name): return tls.hasCertificate(for: name)
            case .wildcard(let suffix): return tls.hasCertificate(for: "*." + suffix)
            }
        }
    }
}

/// What a route wants for its requests.
struct RoutePlan {
    let affinity: RouteAffinity
    let retry: RetryRule
}

extension ClientAddressResolver.Source {
    init(_ source: ClientIPRule.Source) {
        switch source {
        case .connection: self = .connection
        case .xForwardedFor: self = .xForwardedFor
        case .forwarded: self = .forwarded
        case .xRealIP: self = .xRealIP
        }
    }
}

extension ParserLimits {
    init(ofRequests limits: Limits) {
        self.init(
            headBytesMax: limits.requestHead, targetBytesMax: limits.requestTarget,
            fieldCountMax: limits.headers)
    }

    init(ofResponses limits: Limits) {
        self.init(
            headBytesMax: limits.responseHead, targetBytesMax: 0, fieldCountMax: limits.headers)
    }
}
