import ProxyCore
import StickyPolicy

/// What the affinity of a route is likely to do to people who did not mean it: each of these is a
/// question that users have asked.
struct AffinityAdvice {
    let findings: Findings
    let configuration: Configuration

    func give(on route: Route, at position: Position) {
        let service = configuration.services[route.service]
        switch route.affinity.kind {
        case .cookie(let cookie):
            if route.isPattern, cookie.path == nil {
                findings.advise(
                    "session-cookie-path should be set when use-regex is true: no browser sends a "
                        + "cookie of the path \(quoted(route.path)) back", at: position)
            }
            advise(cookie, service, at: position)
            advise(prefixOf: cookie, cookie.path ?? route.path, at: position)
        case .clientIP: adviseClientIP(service, at: position)
        case .none: return
        case .hash, .application: break
        }
        if let named = service.named.first(where: { $0.name != nil }), let name = named.name {
            findings.note(
                "sessions of \(quoted(name)) begin anew when \(quoted(named.host)) goes from one "
                    + "address to several, each of which is then called \(name)@ADDRESS; without "
                    + "'name' they follow the address", at: position)
        }
        if service.backends.count == 1, service.named.isEmpty {
            findings.note(
                "affinity to a single backend binds clients to whatever is behind it", at: position)
        }
    }

    /// The names under which frameworks keep their own sessions, in lower case.
    private static let applicationCookies: Set<String> = [
        "jsessionid", "phpsessid", "asp.net_sessionid", ".aspnetcore.session", "connect.sid",
        "sessionid", "session", "laravel_session", "ci_session", "_session_id", "rack.session",
        "play_session", "cfid", "cftoken", "beaker.session.id",
    ]

    private func advise(_ cookie: CookieSettings, _ service: Service, at position: Position) {
        if AffinityAdvice.applicationCookies.contains(cookie.name.lowercased()) {
            findings.advise(
                "applications call their own session cookie \(quoted(cookie.name)), and one would "
                    + "overwrite the other: choose another session-cookie-name, or follow the "
                    + "application's with 'affinity: learn'", at: position)
        }
        if cookie.sameSite == CookieSettings.SameSite.none, !cookie.secure {
            findings.note(
                "browsers refuse 'SameSite=None' without 'Secure', which is sent over TLS only",
                at: position)
        }
        if cookie.partitioned, !cookie.secure {
            findings.note(
                "browsers refuse 'Partitioned' without 'Secure', which is sent over TLS only",
                at: position)
        }
        if let age = cookie.maxAge, let idle = cookie.maxIdle, age > 0, age < idle {
            findings.advise(
                "session-cookie-max-age (\(age)) ends sessions before session-cookie-max-idle "
                    + "(\(idle)) can", at: position)
        }
        if service.isBehindNodePorts, cookie.format == .ingressNginx {
            findings.advise(
                "cookies of ingress-nginx name pods, and this service is known by its nodes: "
                    + "no client keeps its place in a migration", at: position)
        }
        if cookie.format == .ingressNginx {
            findings.note(
                "cookies of ingress-nginx are not signed: clients can choose their backends",
                at: position)
        }
    }

    /// Browsers refuse a cookie that breaks the promise of its name (RFC 6265bis §4.1.3).
    private func advise(prefixOf cookie: CookieSettings, _ path: String, at position: Position) {
        let isHostPrefixed = cookie.name.lowercased().hasPrefix("__host-")
        guard isHostPrefixed || cookie.name.lowercased().hasPrefix("__secure-") else { return }
        if !cookie.secure {
            findings.note(
                "browsers refuse a cookie \(quoted(cookie.name)) without 'Secure', which is sent "
                    + "over TLS only", at: position)
        }
        if isHostPrefixed, path != "/" || cookie.domain != nil {
            findings.advise(
                "browsers refuse a cookie \(quoted(cookie.name)) but with the path '/' and without "
                    + "a domain: nobody stays on a backend", at: position)
        }
    }

    /// Behind a NodePort, kube-proxy sees the proxy and not its clients. Behind a trusted proxy
    /// every connection comes from that proxy.
    private func adviseClientIP(_ service: Service, at position: Position) {
        let rule = configuration.clientIP
        if rule.source == .connection, !rule.trusted.isEmpty {
            findings.advise(
                "client-ip affinity sees the trusted proxies' addresses: 'clientIP.from' is "
                    + "'connection'", at: position)
        }
        if service.isBehindNodePorts, configuration.sourceAddresses.count < 2 {
            findings.note(
                "client-ip affinity ends at the node: kube-proxy sees one address for all clients, "
                    + "and picks the pods by it; see 'sourceAddresses'", at: position)
        }
    }
}
