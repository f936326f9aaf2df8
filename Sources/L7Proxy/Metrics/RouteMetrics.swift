import StickyPolicy

/// What all workers have counted for each route and service, as metrics.
struct RouteMetrics {
    private typealias Place = RouteCounters.Place

    /// Sums by name, sorted, so that two scrapes can be compared.
    private let sums: [(name: RouteCounters.Name, values: [UInt64])]

    private static let statuses = ["none", "1xx", "2xx", "3xx", "4xx", "5xx", "other"]

    init(_ workers: [WorkerCounters]) {
        var sums: [RouteCounters.Name: [UInt64]] = [:]
        for counters in workers.flatMap(\.published.routes) {
            var sum = sums[counters.name] ?? Array(repeating: 0, count: Place.end)
            for place in 0..<Place.end { sum[place] &+= counters.value(at: place) }
            sums[counters.name] = sum
        }
        self.sums = sums.sorted {
            ($0.key.route, $0.key.service) < ($1.key.route, $1.key.service)
        }.map { ($0.key, $0.value) }
    }

    func add(to text: inout MetricsText) {
        addOutcomes(to: &text)
        addTotal(
            "l7proxy_request_bytes_total", "Content that came from clients, tunnels included.",
            Place.received, to: &text)
        addTotal(
            "l7proxy_response_bytes_total", "Content that was sent to clients, tunnels included.",
            Place.sent, to: &text)
        addTotal(
            "l7proxy_tunnels_total", "Tunnels (WebSockets, mostly) that have ended.",
            Place.tunnels, to: &text)
        addTotal(
            "l7proxy_retries_total", "Attempts beyond the first that requests took.",
            Place.retries, to: &text)
        addDecisions(to: &text)
        addDurations(to: &text)
    }

    private func addOutcomes(to text: inout MetricsText) {
        text.begin(
            "l7proxy_requests_total", .counter,
            "Requests that are over, by the class of the status that the client was told.")
        for (name, values) in sums {
            for (position, status) in RouteMetrics.statuses.enumerated() {
                let count = values[Place.statuses + position]
                // Those that a dashboard asks for are there from the start.
                guard count > 0 || ("2xx"..."5xx").contains(status) else { continue }
                text.add(
                    count, ("route", name.route), ("service", name.service), ("code", status))
            }
        }
        text.begin(
            "l7proxy_request_ends_total", .counter, "Requests that are over, by how they ended.")
        for (name, values) in sums {
            for end in ExchangeRecord.End.allCases {
                let count = values[Place.ends + Int(end.rawValue)]
                guard count > 0 || end == .complete else { continue }
                text.add(
                    count, ("route", name.route), ("service", name.service),
                    ("end", end.name.description))
            }
        }
    }

    private func addTotal(
        _ family: StaticString, _ help: StaticString, _ place: Int, to text: inout MetricsText
    ) {
        text.begin(family, .counter, help)
        for (name, values) in sums {
            text.add(values[place], ("route", name.route), ("service", name.service))
        }
    }

    /// Only what has happened: of 72 combinations a route sees a few.
    private func addDecisions(to text: inout MetricsText) {
        text.begin(
            "l7proxy_affinity_decisions_total", .counter,
            "Why requests went to their backends, by kind and reason.")
        for (name, values) in sums {
            for kind in AffinityKind.allCases {
                for reason in AffinityReason.allCases {
                    let place = kind.position * AffinityReason.count + reason.position
                    let count = values[Place.decisions + place]
                    guard count > 0 else { continue }
                    text.add(
                        count, ("route", name.route), ("service", name.service),
                        ("kind", kind.rawValue), ("reason", reason.rawValue))
                }
            }
        }
    }

    private func addDurations(to text: inout MetricsText) {
        text.begin(
            "l7proxy_request_duration_seconds", .histogram,
            "From the head of a request to the end of its answer; without tunnels.")
        addHistogram(Place.durations, sum: Place.durationSum, to: &text)
        text.begin(
            "l7proxy_upstream_response_seconds", .histogram,
            "From sending a request to a backend to the head of its answer.")
        addHistogram(Place.waits, sum: Place.waitSum, to: &text)
    }

    private func addHistogram(_ place: Int, sum: Int, to text: inout MetricsText) {
        for (name, values) in sums {
            text.addHistogram(
                counts: Array(values[place..<place + DurationBuckets.count]),
                sum: Double(values[sum]) / 1_000_000,
                [("route", name.route), ("service", name.service)])
        }
    }
}
