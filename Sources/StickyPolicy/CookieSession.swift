/// A session as a request's cookie shows it, whatever the format of the cookie.
struct CookieSession: Equatable, Sendable {
    /// Position of the backend that it belongs to; nil when that is gone.
    var home: Int?
    var clientKey: UInt64
    /// Where it lies on the service's ring, if that is what decides.
    var ringHash: UInt32?
    /// The cookie is to be replaced by one of the route's own format.
    var isForeign = false
    /// When a cookie of our own began.
    var issuedAt: Int64?
    /// The cookie knows only that the session was alive some time ago.
    var wantsRenewal = false
}

/// What a request shows of its session.
enum PresentedCookie: Equatable, Sendable {
    case nothing
    case forged
    case expired
    case sealed(OpenedToken)
    case ingressNginx(IngressNginxCookie.Content)
}
