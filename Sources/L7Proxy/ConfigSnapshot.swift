import HTTPParser
import ProxyConfig
import ProxyCore
import StickyPolicy

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
    /// For requests that no route matches; nil answers 404.
    private let defaultAffinity: RouteAffinity?
    /// One for each service, at its position.
    let health: [ServiceHealth]
    let healthBoard: HealthBoard

    init(
        _ configuration: Configuration, resources: RouteAffinity.Resources, health: HealthBoard
    ) {
        healthBoard = health
        self.health = health.services(for: configuration.services)
        self.configuration = configuration
        let services = configuration.services.enumerated().map { position, service in
            ServiceProfile(service, position: position)
        }
        self.services = services
        routeTable = RouteTable(configuration.routes)
        routeAffinities = configuration.routes.map { route in
            RouteAffinity(
                route.affinity, path: route.path, service: services[route.service],
                resources: resources)
        }
        routeUpgrades = configuration.routes.map { $0.upgradeProtocols.map { Array($0.utf8) } }
        retryRules = configuration.routes.map(\.retry)
        defaultAffinity = configuration.defaultService.map { position in
            RouteAffinity(
                configuration.defaultAffinity, path: "/", service: services[position],
                resources: resources)
        }
        resolver = ClientAddressResolver(
            source: ClientAddressResolver.Source(configuration.clientIP.source),
            trusted: configuration.clientIP.trusted)
        requestParser = RequestParser(limits: ParserLimits(ofRequests: configuration.limits))
        responseParser = ResponseParser(limits: ParserLimits(ofResponses: configuration.limits))
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
            return RoutePlan(
                affinity: routeAffinities[position], retry: retryRules[position])
        case .none:
            return defaultAffinity.map {
                RoutePlan(affinity: $0, retry: configuration.defaultRetry)
            }
        case .ambiguous: return nil
        }
    }

    /// The protocols besides WebSocket that a request of this match may change to.
    func upgradeProtocols(of match: RouteMatch) -> [[UInt8]] {
        guard case .route(let position) = match else { return [] }
        return routeUpgrades[position]
    }
}

/// What a route wants for its requests.
struct RoutePlan {
    let affinity: RouteAffinity
    let retry: RetryRule
}

extension ServiceProfile {
    init(_ service: Service, position: Int) {
        self.init(
            name: service.name, position: position,
            backends: service.backends.map { backend in
                BackendProfile(name: backend.name, weight: backend.weight, state: backend.state)
            })
        balance = service.balance
        // `Route.affinity` has taken the service's own affinity into account.
    }
}

extension ClientAddressResolver.Source {
    init(_ source: ClientIPRule.Source) {
        switch source {
        case .connection: self = .connection
        case .xForwardedFor: self = .xForwardedFor
        case .forwarded, .xRealIP:
            preconditionFailure("the routes file's reader refuses what is not supported yet")
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
