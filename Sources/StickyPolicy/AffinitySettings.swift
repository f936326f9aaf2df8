/// How clients of a route belong to backends: what the routes file says, with defaults filled in.
public struct AffinitySettings: Sendable, Equatable {
    public var kind: Kind
    /// Who gets the clients without a session, instead of what the service says.
    public var balance: BalanceKind?
    public var onLost = OnLost.rebind

    public enum Kind: Sendable, Equatable {
        case none
        case cookie(CookieSettings)
        case clientIP(ClientIPSettings)
        case hash(HashSettings)
        case application(ApplicationCookieSettings)
    }

    /// What becomes of a request whose session has lost its backend.
    public enum OnLost: Sendable, Equatable {
        /// It goes to another.
        case rebind
        /// It is answered 503 rather than moved.
        case error
    }

    public init(kind: Kind = .none) {
        self.kind = kind
    }
}

/// The `session-cookie-*` annotations of ingress-nginx.
public struct CookieSettings: Sendable, Equatable {
    /// Whether the cookie names a backend, or a key that is hashed to one.
    public enum Mode: Sendable, Equatable { case balanced, persistent }
    public enum SameSite: String, Sendable, Equatable, CaseIterable {
        case none = "None"
        case lax = "Lax"
        case strict = "Strict"
    }

    public var name = "INGRESSCOOKIE"
    public var mode = Mode.balanced
    /// Seconds from the response to the `Expires` date; the date is made when the response is sent.
    public var expires: Int64?
    /// Seconds of `Max-Age`; sent as given, and enforced against the time of issue when positive.
    public var maxAge: Int64?
    /// `Path`; nil means the path of the route.
    public var path: String?
    public var domain: String?
    /// True forces `Secure`; false leaves it to the connection of the client, as in ingress-nginx.
    public var secure = false
    public var sameSite: SameSite?
    /// Leave `SameSite=None` out for user agents that would reject the cookie because of it.
    public var conditionalSameSiteNone = false
    /// A new cookie for the backend that answered when the bound one failed.
    public var changeOnFailure = false
    public var format = Format.sealed
    /// Whether the other format is accepted, and replaced.
    public var acceptsBoth = true
    public var partitioned = false
    /// The backend does not see the affinity cookie.
    public var strip = false
    /// A response that sets the cookie is not for shared caches.
    public var noCache = false
    /// Seconds without a request after which a session ends; nil: never.
    public var maxIdle: Int64?

    public enum Format: Sendable, Equatable {
        case sealed
        /// Unsigned values that ingress-nginx reads, too.
        case ingressNginx
    }

    public init() {}
}

/// Affinity by something that every request of a client carries.
public struct HashSettings: Sendable, Equatable {
    public var key: Key
    /// A backend gets no more than this percentage of its fair share of what is under way; nil: no
    /// bound. Above 100.
    public var balanceFactor: UInt32?
    /// Backends to a group, where a key names a group and chance decides within it.
    public var subsetSize: Int?

    public enum Key: Sendable, Equatable {
        /// The value of a request field, by rendezvous hashing.
        case field(String)
        /// `upstream-hash-by`, on ingress-nginx's ring.
        case expression(HashExpression)
    }

    public init(key: Key) {
        self.key = key
    }
}

/// Affinity by a cookie that the application sets for itself.
public struct ApplicationCookieSettings: Sendable, Equatable {
    public var cookieName = "JSESSIONID"
    public var mode: Mode

    public enum Mode: Sendable, Equatable {
        /// The session table remembers which backend set which value.
        case learn(timeoutSeconds: UInt32)
        /// Behind the last dot of the value stands the name of the backend.
        case routeSuffix
    }

    public init(mode: Mode) {
        self.mode = mode
    }
}

/// Affinity by client address, as `sessionAffinity: ClientIP` of a Kubernetes Service.
public struct ClientIPSettings: Sendable, Equatable {
    /// Idle time after which a client may be placed anew, 1...86400 seconds.
    public var timeoutSeconds: UInt32 = 10_800
    /// Leading bits of an IPv4 address that make the key.
    public var prefixLength: UInt8 = 32
    /// Leading bits of an IPv6 address that make the key.
    public var prefixLengthV6: UInt8 = 128

    public init() {}
}

/// Whether a backend takes clients. Health and the operator both speak this word.
public enum BackendState: UInt8, Sendable, Equatable {
    case ready
    /// Keeps the clients it has and gets no new ones.
    case drain
    case down
}

/// Who gets a client without a session.
public enum BalanceKind: String, Sendable, Equatable, CaseIterable {
    case roundRobin = "round_robin"
    case leastConnections = "least_conn"
    case ewma
    case random
}
