/// Where a request leads.
package enum RouteMatch: Equatable, Sendable {
    /// The position of the route.
    case route(Int)
    case none
    /// The path can be read in two ways that lead to different routes, or in no sure way at all; or
    /// a pattern takes too long over it.
    case ambiguous
}
