package import StickyPolicy

/// What is done with the requests of a route, but for where they go.
package struct RouteTreatment: Sendable, Equatable {
    package var affinity: AffinitySettings
    /// Protocols besides WebSocket that a connection may be turned into, in lower case.
    package var upgradeProtocols: [String] = []
    package var retry = RetryRule()
    /// Tunnels to a backend that drains or is gone are told to end; otherwise they last.
    package var closesTunnelsOnDrain = false
    package var tlsRule = TLSRule.whereCertified
    /// What its clients must show of themselves; nil for nothing.
    package var clientVerification: ClientVerification?
    /// An alternative that some of its requests go to.
    package var canary: RouteCanary?

    package init(affinity: AffinitySettings) {
        self.affinity = affinity
    }
}

/// The canary of a route: another service for a part of its requests.
package struct RouteCanary: Sendable, Equatable {
    /// Position in `Configuration.services`.
    package var service: Int
    package var settings: CanarySettings
    package var affinity: AffinitySettings

    package init(service: Int, settings: CanarySettings, affinity: AffinitySettings) {
        self.service = service
        self.settings = settings
        self.affinity = affinity
    }
}

/// Which requests in the clear are sent to come again in TLS.
package enum TLSRule: Sendable, Equatable {
    /// Those to hosts that there is a certificate for.
    case whereCertified
    case always
    case never
}

/// A treatment that several routes have: it is half a kilobyte, and thousands of routes have the
/// same.
final class SharedTreatment: Sendable, Equatable {
    let value: RouteTreatment

    init(_ value: RouteTreatment) {
        self.value = value
    }

    static func == (left: SharedTreatment, right: SharedTreatment) -> Bool {
        left === right || left.value == right.value
    }
}

/// The treatments that were met last, to be shared by the routes that follow.
package struct SharedTreatments {
    /// 16: routes of one file, or of one team's Ingresses, follow each other.
    private static let countMax = 16
    private var known: [SharedTreatment] = []

    package init() {}

    mutating func equal(to wanted: SharedTreatment) -> SharedTreatment {
        if let found = known.first(where: { $0 == wanted }) { return found }
        if known.count == SharedTreatments.countMax { known.removeFirst() }
        known.append(wanted)
        return wanted
    }
}

/// Where a route was written, for people.
package struct RouteOrigin: Sendable, Equatable {
    /// A file, or an object such as `Ingress default/shop`.
    private let name: String
    /// From 1; 0 for none.
    private let line: UInt32

    package init(file: String, line: Int) {
        name = file
        self.line = UInt32(clamping: line)
    }

    package init(object: String) {
        name = object
        line = 0
    }

    /// `routes.yaml:12` or `Ingress default/shop`.
    package var text: String { line > 0 ? "\(name):\(line)" : name }
}
