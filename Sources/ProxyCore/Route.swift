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
    /// Where it was written.
    package var origin: RouteOrigin
    private var shared: SharedTreatment

    package init(
        host: HostPattern, path: String, pathType: PathType, service: Int,
        treatment: RouteTreatment, origin: RouteOrigin
    ) {
        self.host = host
        self.path = path
        self.pathType = pathType
        self.service = service
        self.origin = origin
        shared = SharedTreatment(treatment)
    }

    /// What is done with its requests.
    package var treatment: RouteTreatment {
        get { shared.value }
        set { shared = SharedTreatment(newValue) }
    }

    package var affinity: AffinitySettings { shared.value.affinity }
    package var upgradeProtocols: [String] { shared.value.upgradeProtocols }
    package var retry: RetryRule { shared.value.retry }
    package var closesTunnelsOnDrain: Bool { shared.value.closesTunnelsOnDrain }
    package var tlsRule: TLSRule { shared.value.tlsRule }
    package var clientVerification: ClientVerification? { shared.value.clientVerification }
    package var canary: RouteCanary? { shared.value.canary }

    /// Holds its treatment together with an equal one that is held already.
    package mutating func share(among known: inout SharedTreatments) {
        shared = known.equal(to: shared)
    }

    /// What logs and counters call it: `shop.example.com/cart`, and `=shop.example.com/cart` for
    /// the exact path alone.
    package var name: String { host.routeName(path: path, pathType: pathType) }
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

package enum PathType: String, Sendable, Equatable, CaseIterable {
    case exact = "Exact"
    case prefix = "Prefix"
    case implementationSpecific = "ImplementationSpecific"
}
