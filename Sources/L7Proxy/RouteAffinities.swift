import ProxyConfig
import ProxyCore
import StickyPolicy

/// Makes the affinities of a configuration ready for requests.
///
/// Routes that differ in their hosts alone share one: thousands of them are common.
struct RouteAffinities {
    let services: [ServiceProfile]
    let resources: RouteAffinity.Resources
    private var made: [Place: [(settings: AffinitySettings, affinity: RouteAffinity)]] = [:]

    private struct Place: Hashable {
        let service: Int
        let path: String
    }

    init(_ configuration: Configuration, resources: RouteAffinity.Resources) {
        services = configuration.services.enumerated().map { position, service in
            ServiceProfile(service, position: position, loads: resources.loads)
        }
        self.resources = resources
        resources.loads.keep(services)
    }

    mutating func make(_ route: Route) -> RouteAffinity {
        let primary = make(
            settings(route.affinity, of: route), path: route.path, service: route.service)
        guard let canary = route.canary else { return primary }
        return RouteAffinity(
            primary,
            canary: make(
                settings(canary.affinity, of: route), path: route.path, service: canary.service),
            chosenBy: canary.rule)
    }

    /// For requests that no route matches; nil when nobody serves those.
    mutating func makeDefault(_ configuration: Configuration) -> RouteAffinity? {
        guard let service = configuration.defaultService else { return nil }
        let primary = make(configuration.defaultAffinity, path: "/", service: service)
        guard let canary = configuration.defaultCanary else { return primary }
        return RouteAffinity(
            primary, canary: make(canary.affinity, path: "/", service: canary.service),
            chosenBy: canary.rule)
    }

    /// Tells a key with `$1` or `$server_name` what its route's pattern or host is.
    private func settings(_ affinity: AffinitySettings, of route: Route) -> AffinitySettings {
        guard case .hash(var hash) = affinity.kind, case .expression(var expression) = hash.key
        else { return affinity }
        if expression.hasServerName { expression.serverName = route.host.serverName }
        if route.isPattern, expression.hasCaptures,
            let matcher = RegularExpression.path(route.path)
        {
            expression.pattern = PathPattern(route.path, matcher: matcher)
        }
        hash.key = .expression(expression)
        var settings = affinity
        settings.kind = .hash(hash)
        return settings
    }

    mutating func make(_ settings: AffinitySettings, path: String, service: Int) -> RouteAffinity {
        let place = Place(service: service, path: path)
        if let known = made[place]?.first(where: { $0.settings == settings }) {
            return known.affinity
        }
        let affinity = RouteAffinity(
            settings, path: path, service: services[service], resources: resources)
        made[place, default: []].append((settings, affinity))
        return affinity
    }
}

extension RouteCanary {
    fileprivate var rule: CanaryRule {
        // The file's reader has compiled it before; what fails here all the same never matches.
        let pattern = settings.headerPattern.flatMap { try? RegularExpression($0) }
        return CanaryRule(settings, pattern: pattern)
    }
}

extension HostPattern {
    /// What nginx calls the server of this host; `_` is any.
    fileprivate var serverName: String { self == .any ? "_" : text }
}

extension ServiceProfile {
    init(_ service: Service, position: Int, loads: BackendLoads) {
        self.init(
            name: service.name, position: position,
            backends: service.backends.map { backend in
                BackendProfile(
                    backend,
                    load: loads.load(ofBackend: backend.name, inService: service.name))
            })
        sessionScope = service.scope
        formerScope = service.formerScope
        balance = service.balance
        ingressNginxName = service.ingressNginxName
        slowStartSeconds = service.slowStart.wholeSeconds
        // `Route.affinity` has taken the service's own affinity into account.
    }
}

extension BackendProfile {
    init(_ backend: Backend, load: BackendLoad) {
        self.init(name: backend.name, weight: backend.weight, state: backend.state, load: load)
        address = backend.endpoint.description
        drainDeadlineSeconds = backend.drainDeadline.wholeSeconds
    }
}

extension Duration {
    /// Rounded up: a deadline is not zero that was not written so.
    fileprivate var wholeSeconds: UInt32 {
        let (seconds, fraction) = components
        return UInt32(clamping: seconds + (fraction > 0 ? 1 : 0))
    }
}
