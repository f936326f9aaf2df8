/// What tells a client's requests apart from others', where anything does.
public enum AffinityKind: String, Sendable, Equatable, CaseIterable {
    case none
    case cookie
    case clientIP = "client-ip"
    /// By a field of the request, or an expression over it.
    case header
    /// By a cookie that the application sets, and we have seen it set.
    case learned
    /// By the name of the backend in an application's cookie.
    case suffix
}

/// Why a request went to its backend: a small closed set, for logs and counters.
public enum AffinityReason: String, Sendable, Equatable, CaseIterable {
    /// To the backend that the client belongs to, ready or draining.
    case hit
    /// As `hit`, by a cookie of another format, which is replaced.
    case migrated
    /// The client had no session.
    case new
    /// The cookie was not of our making, or not of this service.
    case forged
    /// The cookie was too old, or from the future.
    case expired
    /// The client's backend is not of the service any more.
    case lost
    /// The client's backend is down, or could not be reached.
    case down
    /// The client's backend has drained for too long.
    case drain
    /// To the owner of a key that the request carries.
    case hash
    /// The request carries no key.
    case fallback
    /// To the canary, by its rules.
    case canary
    /// The route has no affinity.
    case none
}

/// A choice of backend for one request, and what follows from it.
public struct Selection: Equatable, Sendable {
    /// Position in the service.
    public var backend: Int
    public var kind: AffinityKind
    public var reason: AffinityReason
    /// What the session is hashed by: the client key of a cookie, or a hash of the address. 0
    /// without affinity.
    public var clientKey: UInt64
    /// Whether the response carries a new cookie for `backend`.
    public var setsCookie = false
    /// Whether the session belongs, or belonged, to another backend than `backend`.
    public var wasMoved = false
    /// Whether the new cookie, if any, leaves `SameSite` out.
    public var omitsSameSite = false
    /// The route's canary serves it: `backend` is a position in that service.
    public var isCanary = false
    /// Where the session lies on the service's ring, if that is what decides.
    var ringHash: UInt32?
    /// When the session began, for a cookie that is only renewed; nil: now.
    var issuedAt: Int64?
    /// The entry of the session table, where one remembers the session.
    var session: SessionKey?

    public init(backend: Int, kind: AffinityKind, reason: AffinityReason, clientKey: UInt64) {
        self.backend = backend
        self.kind = kind
        self.reason = reason
        self.clientKey = clientKey
    }
}

/// Who sends a request, and when.
public struct ClientFacts: Equatable, Sendable {
    /// The resolved address: see `ClientAddressResolver`.
    public var address: IPAddress
    /// Wall clock, for the age of cookies.
    public var unixSeconds: Int64
    /// Monotonic clock, for idle times; it may wrap around.
    public var monotonicSeconds: UInt32
    /// The client's own connection is TLS.
    public var isSecure = false
    /// Where it arrived.
    public var localPort: UInt16 = 0

    public init(address: IPAddress, unixSeconds: Int64, monotonicSeconds: UInt32) {
        self.address = address
        self.unixSeconds = unixSeconds
        self.monotonicSeconds = monotonicSeconds
    }
}
