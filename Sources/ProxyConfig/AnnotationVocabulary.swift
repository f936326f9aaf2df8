/// Every annotation that has a meaning, and whether this version gives it one.
///
/// The names are those of ingress-nginx without their prefix, and our own.
enum AnnotationVocabulary {
    enum Standing {
        /// `RouteBehaviour` reads it.
        case supported
        /// Accepted without effect, with a note that says why.
        case ignored(String)
        /// Known; a value that asks for anything but these words is reported and has no effect.
        case pending(harmless: [String])
        /// Pending, and somebody is to be kept out by it: `GuardBehaviour` reads it.
        case guarding
    }

    static func standing(of name: String) -> Standing? { standings[name] }

    static var names: some Sequence<String> { standings.keys }

    static let prefixes = ["nginx.ingress.kubernetes.io/", "l7proxy.io/"]

    static let supported = [
        "affinity", "affinity-mode", "session-cookie-name", "session-cookie-expires",
        "session-cookie-max-age", "session-cookie-path", "session-cookie-domain",
        "session-cookie-secure", "session-cookie-samesite",
        "session-cookie-conditional-samesite-none", "session-cookie-change-on-failure",
        "session-cookie-accept", "session-cookie-format", "session-cookie-partitioned",
        "session-cookie-strip", "session-cookie-nocache", "session-cookie-max-idle",
        "session-on-lost", "session-header-name", "session-learn-cookie", "session-timeout",
        "upstream-hash-by", "upstream-hash-by-subset", "upstream-hash-by-subset-size",
        "hash-balance-factor", "load-balance", "affinity-canary-behavior", "canary",
        "canary-weight", "canary-weight-total", "canary-by-header", "canary-by-header-value",
        "canary-by-header-pattern", "canary-by-cookie", "canary-precedence", "server-alias",
        "use-regex",
        "upgrade-protocols", "proxy-next-upstream", "proxy-next-upstream-tries",
        "proxy-next-upstream-timeout", "disable-on-404", "close-tunnels-on-drain",
        "ssl-redirect",
        "force-ssl-redirect", "backend-protocol", "proxy-ssl-verify", "proxy-ssl-name",
        "proxy-ssl-secret", "proxy-ssl-verify-depth", "proxy-ssl-server-name",
        "proxy-ssl-protocols", "proxy-ssl-ciphers", "auth-tls-secret", "auth-tls-verify-client",
        "auth-tls-verify-depth", "auth-tls-error-page", "auth-tls-match-cn",
        "auth-tls-pass-certificate-to-upstream", "serve-unguarded",
    ]

    static let guarding = [
        "auth-url", "auth-type", "whitelist-source-range", "allowlist-source-range",
        "denylist-source-range",
    ]

    /// Their defaults are what the proxy does, so a file that spells them out is not bothered.
    private static let pendingWithDefault: [(String, [String])] = [
        ("ssl-passthrough", GoBool.falseWords), ("enable-cors", GoBool.falseWords),
        ("service-upstream", GoBool.falseWords), ("from-to-www-redirect", GoBool.falseWords),
        ("proxy-http-version", ["1.1"]), ("enable-modsecurity", GoBool.falseWords),
        ("enable-access-log", GoBool.falseWords), ("proxy-buffering", ["off"]),
        ("proxy-request-buffering", ["off"]),
    ]

    private static let pending = """
        permanent-redirect permanent-redirect-code temporal-redirect temporal-redirect-code \
        relative-redirects use-port-in-redirects preserve-trailing-slash app-root ssl-ciphers \
        ssl-prefer-server-ciphers http2-push-preload rewrite-target upstream-vhost \
        x-forwarded-prefix default-backend custom-http-errors disable-proxy-intercept-errors \
        fastcgi-index fastcgi-params-configmap connection-proxy-header proxy-body-size \
        proxy-read-timeout proxy-send-timeout proxy-connect-timeout proxy-buffer-size \
        proxy-buffers-number proxy-busy-buffers-size proxy-max-temp-file-size \
        proxy-cookie-domain proxy-cookie-path proxy-redirect-from proxy-redirect-to \
        client-body-buffer-size cors-allow-origin cors-allow-methods cors-allow-headers \
        cors-allow-credentials cors-expose-headers cors-max-age auth-signin \
        auth-signin-redirect-param auth-method auth-response-headers auth-request-redirect \
        auth-cache-key auth-cache-duration auth-keepalive auth-keepalive-share-vars \
        auth-keepalive-requests auth-keepalive-timeout auth-proxy-set-headers \
        auth-always-set-cookie auth-snippet enable-global-auth auth-secret auth-secret-type \
        auth-realm satisfy limit-rps limit-rpm limit-connections limit-rate limit-rate-after \
        limit-burst-multiplier limit-allowlist limit-whitelist enable-rewrite-log \
        enable-opentelemetry opentelemetry-trust-incoming-span opentelemetry-operation-name \
        custom-headers mirror-target mirror-host mirror-request-body enable-owasp-core-rules \
        modsecurity-snippet modsecurity-transaction-id configuration-snippet server-snippet \
        stream-snippet
        """

    /// What an operator has to know, or can do, where a pending annotation has no effect.
    static func advice(withoutEffectOf name: String) -> String? {
        if guarding.contains(name) {
            return """
                its routes answer 503; 'l7proxy.io/serve-unguarded: "true"' serves them where \
                something else guards them
                """
        }
        return switch name {
        case "proxy-connect-timeout": "for all routes there is 'timeouts: {connect: ...}'"
        case "proxy-read-timeout": "for all routes there is 'timeouts: {backendRead: ...}'"
        case "proxy-send-timeout": "for all routes there is 'timeouts: {backendWrite: ...}'"
        case "proxy-body-size": "for all routes there is 'limits: {requestBody: ...}'"
        default: nil
        }
    }

    private static let standings: [String: Standing] = {
        var table: [String: Standing] = [
            "session-cookie-hash": .ignored(
                "ingress-nginx dropped it long ago, and cookies are sealed here")
        ]
        for name in supported { table[name] = .supported }
        for (name, harmless) in pendingWithDefault { table[name] = .pending(harmless: harmless) }
        for name in guarding { table[name] = .guarding }
        for name in pending.split(separator: " ") { table[String(name)] = .pending(harmless: []) }
        return table
    }()
}

/// The words that Go's `strconv.ParseBool` takes: ingress-nginx reads its annotations with it.
enum GoBool {
    static let trueWords = ["1", "t", "T", "TRUE", "true", "True"]
    static let falseWords = ["0", "f", "F", "FALSE", "false", "False"]

    static func parse(_ text: String) -> Bool? {
        if trueWords.contains(text) { return true }
        return falseWords.contains(text) ? false : nil
    }
}
