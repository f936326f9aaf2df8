import ProxyConfig
import ProxyCore

/// What the counters of one configuration are called, and which of them each route has. Made once,
/// off the workers' threads: names of ten thousand routes take milliseconds.
struct RouteCounterNames: Sendable {
    /// 1,000: each name is some twenty lines of metrics for every scrape. What is beyond is counted
    /// together, under `other`.
    static let countMax = 1_000
    static let other = RouteCounters.Name(route: "(other)", service: "")

    /// Of one route: positions in `all`.
    struct Entry {
        let own: Int32
        /// The same where the route has no canary.
        let canary: Int32
        /// Position of the service in the configuration.
        let service: Int32
    }

    /// Each once.
    let all: [RouteCounters.Name]
    let routes: [Entry]
    /// Positions in `all`.
    let unrouted: Int
    let byDefault: Int

    init(_ configuration: Configuration) {
        var places = Places()
        let service = { (position: Int) in configuration.services[position].name }
        // First, so that they never are among the others.
        unrouted = Int(places.place("", ""))
        byDefault = Int(places.place("", configuration.defaultService.map(service) ?? ""))
        routes = configuration.routes.map { route in
            let own = places.place(route.name, service(route.service))
            let canary = route.canary.map { places.place(route.name, service($0.service)) }
            return Entry(own: own, canary: canary ?? own, service: Int32(route.service))
        }
        all = places.all
    }

    private struct Places {
        var all: [RouteCounters.Name] = []
        private var known: [RouteCounters.Name: Int32] = [:]

        mutating func place(_ route: String, _ service: String) -> Int32 {
            let name = RouteCounters.Name(route: route, service: service)
            if let place = known[name] { return place }
            let hasRoom = all.count < RouteCounterNames.countMax
            return add(hasRoom ? name : RouteCounterNames.other)
        }

        private mutating func add(_ name: RouteCounters.Name) -> Int32 {
            if let place = known[name] { return place }
            known[name] = Int32(all.count)
            all.append(name)
            return Int32(all.count - 1)
        }
    }
}
