import ProxyCore
import StickyPolicy

/// A configuration in the making: names already have their positions, and what must be unique is.
struct Draft {
    var configuration = Configuration()
    private var servicePositions: [String: Int] = [:]
    private var serviceOrigins: [String: Position] = [:]
    private var routeOrigins: [RouteKey: Position] = [:]
    /// Where each route was written, by its position in `configuration.routes`.
    private(set) var routePositions: [Position] = []

    /// Two routes with the same key could never both be reached.
    private struct RouteKey: Hashable {
        var host: HostPattern
        /// A prefix is a list of path elements: a slash at its end means nothing.
        var path: Substring
        var isExact: Bool

        init(_ route: Route) {
            host = route.host
            isExact = route.pathType == .exact
            let drops = !isExact && route.path.utf8.count > 1 && route.path.hasSuffix("/")
            path = drops ? route.path.dropLast() : route.path[...]
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
        servicePositions[service.name] = configuration.services.count
        serviceOrigins[service.name] = position
        configuration.services.append(service)
        return .success(configuration.services.count - 1)
    }

    /// The position of the same service, spoken to in TLS; its own where it says how itself.
    mutating func position(of service: Int, in tls: UpstreamTLS?) -> Int {
        let plain = configuration.services[service]
        guard let tls, plain.tls == nil, let origin = serviceOrigins[plain.name] else {
            return service
        }
        var secured = plain
        secured.tls = tls
        // Two Ingresses may speak to one Service in different ways; they are few.
        for number in 1... {
            secured.name = plain.name + (number == 1 ? "/https" : "/https-\(number)")
            guard let known = servicePositions[secured.name] else { break }
            if configuration.services[known].tls == tls { return known }
        }
        return (try? add(secured, at: origin).get()) ?? service
    }

    /// Adds a route, or answers where an equal one stands.
    mutating func add(_ route: Route, at position: Position) -> Result<Void, Taken> {
        let key = RouteKey(route)
        if let earlier = routeOrigins[key] { return .failure(Taken(earlier)) }
        routeOrigins[key] = position
        configuration.routes.append(route)
        routePositions.append(position)
        return .success(())
    }

    /// Something else has this name or rule already.
    struct Taken: Error {
        var position: Position

        init(_ position: Position) {
            self.position = position
        }
    }
}
