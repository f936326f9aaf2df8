/// All counters of one worker that have the name of a route. They outlive the configurations that
/// name it, and end with the last that does.
final class RouteTallies {
    private var known: [RouteCounters.Name: RouteCounters] = [:]
    private let published: PublishedCounters

    init(publishingTo published: PublishedCounters) {
        self.published = published
    }

    /// The counters that a configuration needs.
    func table(for names: RouteCounterNames) -> RouteCounterTable {
        let before = known
        known = [:]
        let counters = names.all.map { name in
            let counters = before[name] ?? RouteCounters(name)
            known[name] = counters
            return counters
        }
        published.replaceRoutes(by: counters)
        return RouteCounterTable(counters: counters, names: names)
    }

    /// Those of an exchange that has outlived its configuration; nil when the route is gone.
    func counters(of names: ExchangeNames) -> RouteCounters? {
        known[RouteCounters.Name(route: names.counted.route, service: names.counted.service)]
    }
}

/// The counters of one configuration, by the positions in it.
///
/// A class, so that a look at it counts one reference and not one for each part.
final class RouteCounterTable {
    private let counters: [RouteCounters]
    private let names: RouteCounterNames

    init(counters: [RouteCounters], names: RouteCounterNames) {
        self.counters = counters
        self.names = names
    }

    func counters(of place: ExchangeRecord.Place) -> RouteCounters {
        guard let route = place.route else {
            return counters[place.service == nil ? names.unrouted : names.byDefault]
        }
        let entry = names.routes[route]
        let isCanary = place.service.map { $0 != Int(entry.service) } ?? false
        return counters[Int(isCanary ? entry.canary : entry.own)]
    }
}
