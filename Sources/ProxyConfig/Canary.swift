import ProxyCore
import StickyPolicy

/// A route that is not one of its own: an alternative for requests of an equal route.
struct Canary {
    var route: Route
    var behaviour: RouteBehaviour
    var reader: Reader
    var position: Position
}
