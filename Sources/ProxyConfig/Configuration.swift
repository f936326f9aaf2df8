package import ProxyCore
package import StickyPolicy

/// What a routes file says, resolved and checked: every reference is a position, every default is
/// filled in, and nothing in it can fail later.
package struct Configuration: Sendable, Equatable {
    package var listeners: [ListenerAddress] = []
    /// Those of the listeners whose connections begin with a PROXY header.
    package var proxyProtocolListeners: Set<ListenerAddress> = []
    /// Those of `listeners` that speak TLS.
    package var listenerTLS: [ListenerAddress: ListenerTLS] = [:]
    /// Client connections of a listener, where they are limited.
    package var listenerConnections: [ListenerAddress: Int] = [:]
    /// From Kubernetes Secrets, for every listener that speaks TLS.
    package var secretCertificates: [CertificateSource] = []
    package var clientIP = ClientIPRule()
    /// Local addresses that upstream connections are bound to; empty: the kernel chooses.
    package var sourceAddresses: [IPAddress] = []
    package var services: [Service] = []
    package var routes: [Route] = []
    /// Position in `services` for requests that no route matches; nil answers 404.
    package var defaultService: Int?
    /// Affinity of the requests that go to `defaultService`.
    package var defaultAffinity = AffinitySettings()
    /// What takes a share of them.
    package var defaultCanary: RouteCanary?
    package var defaultRetry = RetryRule()
    package var defaultClosesTunnelsOnDrain = false
    /// The keys as the file names them; the program reads what they name. The first signs.
    package var cookieKeys: [CookieKeySource] = []
    /// Most entries of all session tables together.
    package var sessionLimit = 1_000_000
    /// Between two questions for the addresses of a host name.
    package var resolverInterval = Duration.seconds(10)
    package var timeouts = Timeouts()
    package var limits = Limits()
    package var workers = WorkerCount.automatic
    package var admin = AdminRule.usual
    /// Nil: nothing is written of single exchanges.
    package var accessLog: AccessLogRule?

    package init() {}
}

package enum WorkerCount: Sendable, Equatable {
    /// One event loop for each usable CPU.
    case automatic
    case exactly(Int)
}

package enum CookieKeySource: Sendable, Equatable {
    /// A path, which the routes file's own directory was put in front of where it was relative.
    case file(String)
    case environment(String)
}

/// Who is believed about the client's address (`clientIP` of the routes file).
package struct ClientIPRule: Sendable, Equatable {
    package enum Source: String, Sendable, Equatable, CaseIterable {
        case connection
        case xForwardedFor = "x-forwarded-for"
        case forwarded
        case xRealIP = "x-real-ip"
    }

    package var source = Source.connection
    package var trusted: [IPNetwork] = []

    package init() {}
}
