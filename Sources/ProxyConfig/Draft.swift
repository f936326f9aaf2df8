import ProxyCore
import StickyPolicy

/// A configuration in the making: names already have their positions, and what must be unique is.
struct Draft {
    var configuration = Configuration()
    private var servicePositions: [String: Int] = [:]
    private var serviceOrigins: [String: Position] = [:]
    private var closedServices: Set<Int> = []
    /// The closed twin of a service, by the service's position.
    private var closedTwins: [Int: Int] = [:]
    private var routeOrigins: [RouteKey: Position] = [:]
    /// Of the routes so far.
    var treatments = SharedTreatments()
    /// Canaries and aliases wait until all routes are known.
    private var canaries: [Canary] = []
    private var aliases: [RouteAliases] = []
    /// Where each route was written, by its position in `configuration.routes`.
    private(set) var routePositions: [Position] = []

    /// Two routes with the same key could never both be reached.
    private struct RouteKey: Hashable {
        var host: HostPattern
        /// A prefix is a list of path elements: a slash at its end means nothing.
        var path: String
        var isExact: Bool
        var isPattern: Bool

        init(_ route: Route) {
            host = route.host
            isExact = route.pathType == .exact
            isPattern = route.isPattern
            let isPrefix = !isExact && !isPattern
            let drops = isPrefix && route.path.utf8.count > 1 && route.path.hasSuffix("/")
            path = drops ? String(route.path.dropLast()) : route.path
        }
    }

    func servicePosition(named name: String) -> Int? { servicePositions[name] }

    /// The first services by name: enough to find a near miss among, also for many dangling names.
    var someServiceNames: some Sequence<String> {
        configuration.services.prefix(1_000).lazy.map(\.name)
    }

    /// Adds a service and answers its position, or nil and where its name was taken.
    mutating func add(_ service: Service, at position: Position) -> Result<Int, Taken> {
        if let earlier = serviceOrigins[service.name] { return .failure(Taken(earlier)) }
        return .success(insert(service, at: position))
    }

    private mutating func insert(_ service: Service, at position: Position) -> Int {
        servicePositions[service.name] = configuration.services.count
        serviceOrigins[service.name] = position
        configuration.services.append(service)
        return configuration.services.count - 1
    }

    /// The position of the same service, spoken to in TLS; its own where it says how itself.
    private mutating func position(of service: Int, in tls: UpstreamTLS?) -> Int {
        let plain = configuration.services[service]
        guard let tls, plain.tls == nil, let origin = serviceOrigins[plain.name] else {
            return service
        }
        var secured = plain
        secured.tls = tls
        // Its number depends on the other Ingresses; its sessions must not.
        secured.sessionScope = plain.scope
        // Two Ingresses may speak to one Service in different ways; they are few.
        for number in 1... {
            secured.name = plain.name + (number == 1 ? "/https" : "/https-\(number)")
            guard let known = servicePositions[secured.name] else { break }
            if configuration.services[known].tls == tls { return known }
        }
        return (try? add(secured, at: origin).get()) ?? service
    }

    /// The same service without backends, for routes that nobody may be served by.
    private mutating func closed(_ service: Int, at position: Position) -> Int {
        if let known = closedTwins[service] { return known }
        var closed = Service(name: configuration.services[service].name + "/closed", backends: [])
        while servicePositions[closed.name] != nil { closed.name += "-" }
        let twin = insert(closed, at: position)
        closedTwins[service] = twin
        closedServices.insert(twin)
        return twin
    }

    /// What a route that names `service` leads to.
    mutating func target(
        _ service: Int, _ behaviour: RouteBehaviour, in secrets: KubernetesSecrets,
        at position: Position
    ) -> Int {
        guard !behaviour.isClosed else { return closed(service, at: position) }
        return self.position(of: service, in: behaviour.upstreamTLS(in: secrets))
    }

    /// Adds a route, or answers where an equal one stands.
    mutating func add(_ route: Route, at position: Position) -> Result<Void, Taken> {
        if let earlier = routeOrigins[RouteKey(route)] { return .failure(Taken(earlier)) }
        insert(route, at: position)
        if let texts = closedTexts(of: route), routeOrigins[RouteKey(texts)] == nil {
            insert(texts, at: position)
        }
        return .success(())
    }

    private mutating func insert(_ route: Route, at position: Position) {
        routeOrigins[RouteKey(route)] = position
        configuration.routes.append(route)
        configuration.routes[configuration.routes.count - 1].share(among: &treatments)
        routePositions.append(position)
    }

    /// To ingress-nginx an ImplementationSpecific path is the beginning of a text, not of a list of
    /// elements: `/login` guards `/login.php` there, which must not be open here.
    private func closedTexts(of route: Route) -> Route? {
        guard closedServices.contains(route.service), !route.isPattern,
            route.pathType == .implementationSpecific, !route.path.hasSuffix("/"),
            RouteText.isPlainPattern(route.path)
        else { return nil }
        var texts = route
        texts.isPattern = true
        return texts
    }

    /// Has the same route serve other hosts, where those have no such route of their own, wherever
    /// that is written.
    mutating func addAliases(
        _ hosts: [HostPattern], of route: Route, _ reader: Reader, at position: Position
    ) {
        guard !hosts.isEmpty else { return }
        aliases.append(
            RouteAliases(hosts: hosts, route: route, reader: reader, position: position))
    }

    mutating func attachAliases() {
        for alias in aliases {
            for host in alias.hosts { attach(alias, for: host) }
        }
    }

    private mutating func attach(_ alias: RouteAliases, for host: HostPattern) {
        var route = alias.route
        route.host = host
        guard case .failure(let taken) = add(route, at: alias.position) else { return }
        alias.reader.warn(
            "server-alias: \(host.text)\(route.path) is already routed at "
                + alias.reader.findings.describe(taken.position), at: alias.position)
    }

    /// Some route is the canary of another, which may have been left out for it.
    var hasCanaries: Bool { !canaries.isEmpty }

    mutating func add(_ canary: Canary) {
        canaries.append(canary)
    }

    /// Gives every canary to its primary: the route with the same host, path and path type, and
    /// the copies of that for other hosts.
    mutating func attachCanaries() {
        guard hasCanaries else { return }
        attachDefaultCanaries()
        var primaries: [RouteKey: Int] = [:]
        for (index, route) in configuration.routes.enumerated() {
            primaries[RouteKey(route)] = index
        }
        for canary in canaries where !canary.isOfDefault {
            guard let primary = primary(of: canary.route, in: primaries),
                configuration.routes[primary].pathType == canary.route.pathType
            else {
                canary.reader.warn(
                    "a canary without a route of the same host, path and pathType is left out",
                    at: canary.position)
                continue
            }
            guard configuration.routes[primary].canary == nil else {
                canary.reader.warn("the route has a canary already", at: canary.position)
                continue
            }
            // Its clients would be served what nobody may be served.
            guard !closedServices.contains(configuration.routes[primary].service) else { continue }
            attach(canary, to: primary)
        }
    }

    /// A canary that is a default backend is one of the default backend.
    private mutating func attachDefaultCanaries() {
        for canary in canaries where canary.isOfDefault {
            guard let primary = configuration.defaultService else {
                canary.reader.warn(
                    "a canary of a default backend that there is not is left out",
                    at: canary.position)
                continue
            }
            guard configuration.defaultCanary == nil else {
                canary.reader.warn("the default backend has a canary already", at: canary.position)
                continue
            }
            guard !closedServices.contains(primary) else { continue }
            configuration.defaultCanary = canary.attached(to: configuration.defaultAffinity)
        }
    }

    /// A canary need not repeat that its primary's path is a pattern.
    private func primary(of canary: Route, in primaries: [RouteKey: Int]) -> Int? {
        var other = canary
        other.isPattern.toggle()
        return primaries[RouteKey(canary)] ?? primaries[RouteKey(other)]
    }

    private mutating func attach(_ canary: Canary, to primary: Int) {
        let model = configuration.routes[primary]
        let attached = canary.attached(to: model.affinity)
        for index in configuration.routes.indices
        where routePositions[index] == routePositions[primary]
            && configuration.routes[index].path == model.path
        {
            configuration.routes[index].treatment.canary = attached
        }
    }

    /// Something else has this name or rule already.
    struct Taken: Error {
        var position: Position

        init(_ position: Position) {
            self.position = position
        }
    }
}
