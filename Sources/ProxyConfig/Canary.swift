import ProxyCore
import StickyPolicy

/// A route that is not one of its own: an alternative for requests of an equal route.
struct Canary {
    var route: Route
    var behaviour: RouteBehaviour
    var reader: Reader
    var position: Position
    /// An alternative for requests that no route matches.
    var isOfDefault = false

    /// - Parameter affinity: of the route that it is a canary of.
    func attached(to affinity: AffinitySettings) -> RouteCanary {
        RouteCanary(
            service: route.service, settings: behaviour.canary.settings,
            affinity: behaviour.affinity(asCanaryOf: affinity))
    }
}

/// Other hosts that a route is to serve.
struct RouteAliases {
    var hosts: [HostPattern]
    var route: Route
    var reader: Reader
    var position: Position
}
