/// When a request goes to the canary of its route: the `canary-*` annotations of ingress-nginx.
public struct CanarySettings: Sendable, Equatable {
    /// Of `weightTotal` requests that nothing else decides about.
    public var weight = 0
    public var weightTotal = 100
    /// `always` in this field asks for the canary, `never` for the primary.
    public var header: String?
    /// Only this value of the field asks for the canary, and nothing for the primary.
    public var headerValue: String?
    /// As `headerValue`, for all values in which the pattern is found.
    public var headerPattern: String?
    /// The same as `header` in a cookie.
    public var cookie: String?
    /// False is `affinity-canary-behavior: legacy`: nobody is bound to the canary.
    public var isSticky = true
    public var precedence = Precedence.affinity

    public enum Precedence: Sendable, Equatable {
        /// Who is bound stays bound.
        case affinity
        /// A field or cookie that asks for a side is obeyed.
        case rule
    }

    public init() {}
}
