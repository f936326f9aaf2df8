import ProxyConfig
import ProxyCore
import Synchronization

/// All counters of one worker that have the name of a route. They outlive the configurations that
/// name it, and end with the last that does.
final class RouteTallies {
    /// 1,000: each name is some twenty lines of metrics for every scrape. What is beyond is counted
    /// together, under `other`.
    static let namesMax = 1_000
    static let other = RouteCounters.Name(route: "(other)", service: "")

    private var known: [RouteCounters.Name: RouteCounters] = [:]
    private let published: PublishedCounters

    init(publishingTo published: PublishedCounters) {
        self.published = published
    }

    /// The counters that a configuration needs.
    func table(for configuration: Configuration) -> RouteCounterTable {
        let before = known
        known = [:]
        func counters(_ route: String, _ service: Int?) -> RouteCounters {
            let service = service.map { configuration.services[$0].name } ?? ""
            return take(RouteCounters.Name(route: route, service: service), from: before)
        }
        let table = RouteCounterTable(
            // First, so that they never are among the others.
            unrouted: counters("", nil),
            byDefault: counters("", configuration.defaultService),
            routes: configuration.routes.map { route in
                let own = counters(route.name, route.service)
                let canary = route.canary.map { counters(route.name, $0.service) }
                return RouteCounterTable.Entry(own: own, canary: canary ?? own)
            },
            services: configuration.routes.map(\.service))
        published.replaceRoutes(by: Array(known.values))
        return table
    }

    private func take(
        _ name: RouteCounters.Name, from before: [RouteCounters.Name: RouteCounters]
    ) -> RouteCounters {
        if let counters = known[name] { return counters }
        guard known.count < RouteTallies.namesMax || name == RouteTallies.other else {
            return take(RouteTallies.other, from: before)
        }
        let counters = before[name] ?? RouteCounters(name)
        known[name] = counters
        return counters
    }

    /// The counters of a tunnel that has outlived its configuration; nil when the route is gone.
    func counters(of names: ExchangeNames) -> RouteCounters? {
        known[RouteCounters.Name(route: names.route ?? "", service: names.service ?? "")]
    }
}

/// The counters of one configuration, by the positions in it.
///
/// A class, so that a look at it counts one reference and not one for each part.
final class RouteCounterTable {
    struct Entry {
        let own: RouteCounters
        /// The same where the route has no canary.
        let canary: RouteCounters
    }

    let unrouted: RouteCounters
    let byDefault: RouteCounters
    let routes: [Entry]
    /// Of each route.
    let services: [Int]

    init(
        unrouted: RouteCounters, byDefault: RouteCounters, routes: [Entry], services: [Int]
    ) {
        self.unrouted = unrouted
        self.byDefault = byDefault
        self.routes = routes
        self.services = services
    }

    func counters(of place: ExchangeRecord.Place) -> RouteCounters {
        guard let route = place.route else {
            return place.service == nil ? unrouted : byDefault
        }
        let isCanary = place.service.map { $0 != services[route] } ?? false
        return isCanary ? routes[route].canary : routes[route].own
    }
}
