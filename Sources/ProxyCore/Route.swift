package import StickyPolicy

/// A host and path rule that leads to a service, as an Ingress rule says it.
package struct Route: Sendable, Equatable {
    package var host: HostPattern
    /// Begins with `/`.
    package var path: String
    package var pathType: PathType
    /// The path is a regular expression that has to match from the first byte, in any case.
    package var isPattern = false
    /// Position in `Configuration.services`.
    package var service: Int
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
    /// Where it was written, for people: `routes.yaml:12` or `Ingress default/shop`.
    package var origin: String

    package init(
        host: HostPattern, path: String, pathType: PathType, service: Int,
        affinity: AffinitySettings, origin: String
    ) {
        self.host = host
        self.path = path
        self.pathType = pathType
        self.service = service
        self.affinity = affinity
        self.origin = origin
    }

    /// What logs and counters call it: `shop.example.com/cart`, and `=shop.example.com/cart` for
    /// the exact path alone.
    package var name: String { host.routeName(path: path, pathType: pathType) }
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

package enum HostPattern: Sendable, Hashable {
    case any
    /// Lower case, without port.
    case exact(String)
    /// `*.example.com` as `example.com`: stands for exactly one more label in front.
    case wildcard(suffix: String)

    /// As routes files write it; `*` for any.
    package var text: String {
        switch self {
        case .any: "*"
        case .exact(let name): name
        case .wildcard(let suffix): "*.\(suffix)"
        }
    }

    /// The name of a route of this host.
    package func routeName(path: String, pathType: PathType) -> String {
        let shown = text + path
        return pathType == .exact ? "=\(shown)" : shown
    }
}

/// Which requests in the clear are sent to come again in TLS.
package enum TLSRule: Sendable, Equatable {
    /// Those to hosts that there is a certificate for.
    case whereCertified
    case always
    case never
}

package enum PathType: String, Sendable, Equatable, CaseIterable {
    case exact = "Exact"
    case prefix = "Prefix"
    case implementationSpecific = "ImplementationSpecific"
}
