import StickyPolicy

/// Every key of the short form. What this version cannot do is data here: a feature that arrives
/// turns its entry into `.full` and reads the value.
enum ShortFormSchema {
    static let root = Schema(
        subject: "the routes file",
        keys: [
            ("listeners", .full), ("clientIP", .full), ("nodes", .full),
            ("sourceAddresses", .full), ("services", .full), ("routes", .full),
            ("defaultService", .full), ("annotations", .full), ("cookieKeys", .full),
            ("sessionStore", .full), ("sessionLimit", .full), ("timeouts", .full),
            ("limits", .full), ("accessLog", .full),
            ("admin", .full), ("workers", .full), ("resolver", .full),
        ])

    static let resolver = Schema(subject: "'resolver'", keys: [("interval", .full)])

    static let admin = Schema(
        subject: "'admin'", keys: [("address", .full), ("tokenFile", .full)])

    static let accessLog = Schema(
        subject: "'accessLog'", keys: [("format", .full), ("path", .full)])

    static let listener = Schema(
        subject: "a listener",
        keys: [
            ("address", .full), ("proxyProtocol", .full), ("tls", .full), ("limits", .full),
        ])

    static let listenerLimits = Schema(
        subject: "a listener's 'limits'", keys: [("connections", .full)])

    static let listenerTLS = Schema(
        subject: "a listener's 'tls'",
        keys: [
            ("certificates", .full), ("minVersion", .full), ("clientCA", .full),
            ("ticketKeys", .full), ("hsts", .full),
        ])

    static let certificate = Schema(
        subject: "a certificate", keys: [("certificate", .full), ("key", .full), ("ocsp", .full)])

    static let clientIP = Schema(
        subject: "'clientIP'", keys: [("from", .full), ("trusted", .full)])

    static let service = Schema(
        subject: "a service",
        keys: [
            ("nodePort", .full), ("backends", .full), ("balance", .full),
            ("sessionAffinity", .full), ("sessionAffinityConfig", .full),
            ("externalTrafficPolicy", .full), ("healthCheckNodePort", .full),
            ("healthCheck", .full), ("passiveHealth", .full),
            ("queue", .full), ("slowStart", .full),
            ("tls", .full), ("ingressNginxName", .full),
        ])

    static let serviceTLS = Schema(
        subject: "a service's 'tls'",
        keys: [
            ("verify", .full), ("ca", .full), ("serverName", .full), ("certificate", .full),
            ("key", .full),
        ])

    static let passiveHealth = Schema(
        subject: "'passiveHealth'",
        keys: [("maxFails", .full), ("failTimeout", .full), ("panicThreshold", .full)])

    static let healthCheck = Schema(
        subject: "'healthCheck'",
        keys: [
            ("path", .full), ("port", .full), ("host", .full), ("interval", .full),
            ("timeout", .full), ("rise", .full), ("fall", .full), ("expect", .full),
        ])

    static let queue = Schema(
        subject: "'queue'", keys: [("length", .full), ("timeout", .full)])

    static let backend = Schema(
        subject: "a backend",
        keys: [
            ("address", .full), ("name", .full), ("weight", .full), ("state", .full),
            ("maxConnections", .full), ("drainDeadline", .full),
        ])

    static let sessionAffinityConfig = Schema(
        subject: "'sessionAffinityConfig'", keys: [("clientIP", .full)])

    static let sessionAffinityClientIP = Schema(
        subject: "'sessionAffinityConfig.clientIP'",
        keys: [("timeoutSeconds", .full), ("prefixLength", .full), ("prefixLengthV6", .full)])

    static let route = Schema(
        subject: "a route",
        keys: [
            ("host", .full), ("path", .full), ("pathType", .full), ("service", .full),
            ("backends", .full), ("annotations", .full),
        ])

    static let timeouts = Schema(
        subject: "'timeouts'",
        keys: [
            ("connect", .full), ("requestHead", .full), ("requestBody", .full),
            ("clientIdle", .full), ("clientWrite", .full), ("backendRead", .full),
            ("backendWrite", .full), ("backendIdle", .full),
            ("tlsHandshake", .full), ("linger", .full), ("tunnelIdle", .full),
            ("drain", .full), ("preStop", .full),
        ])

    static let limits = Schema(
        subject: "'limits'",
        keys: [
            ("requestHead", .full), ("requestTarget", .full), ("requestBody", .full),
            ("responseHead", .full), ("headers", .full), ("connections", .full),
            ("connectionsPerClient", .full), ("requestsPerConnection", .full),
            ("handshakes", .full), ("memory", .full),
        ])

    /// Every mapping, for the test that the example file names each key.
    static let all = [
        root, admin, accessLog, listener, listenerLimits, listenerTLS, certificate, clientIP,
        service, serviceTLS,
        passiveHealth, healthCheck, queue, backend, sessionAffinityConfig,
        sessionAffinityClientIP, route, timeouts, limits,
        resolver,
    ]
}

/// The words of the short form.
enum ShortFormWords {
    static let clientIPSource = Words<ClientIPRule.Source>(
        supported: ClientIPRule.Source.allCases.map { ($0.rawValue, $0) })

    static let balance = Words<BalanceKind>(
        supported: BalanceKind.allCases.map { ($0.rawValue, $0) })

    static let backendState = Words<BackendState>(
        supported: [("ready", .ready), ("drain", .drain), ("down", .down)])

    static let tlsVersion = Words<ListenerTLS.Version>(
        supported: ListenerTLS.Version.allCases.map { ($0.rawValue, $0) })

    /// Whether clients are bound by address.
    static let sessionAffinity = Words<Bool>(supported: [("None", false), ("ClientIP", true)])

    /// Whether a node sends only to its own pods.
    static let externalTrafficPolicy = Words<Bool>(
        supported: [("Cluster", false), ("Local", true)])
}
