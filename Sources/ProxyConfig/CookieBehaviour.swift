import StickyPolicy

/// What the `session-cookie-*` annotations of a route say.
struct CookieBehaviour {
    private(set) var settings = CookieSettings()

    mutating func apply(_ name: String, _ value: AnnotationValue) {
        switch name {
        case "affinity-mode":
            if let mode = value.word(CookieBehaviour.modeWords) { settings.mode = mode }
        case "session-cookie-name": value.cookieText { settings.name = $0 }
        case "session-cookie-path": value.cookiePath { settings.path = $0 }
        case "session-cookie-domain": value.cookieText { settings.domain = $0 }
        case "session-cookie-expires":
            value.seconds(ignoringSpaces: true) { settings.expires = $0 }
        case "session-cookie-max-age":
            value.seconds(ignoringSpaces: false) { settings.maxAge = $0 }
        case "session-cookie-max-idle":
            value.integer(in: 1...31_536_000) { settings.maxIdle = Int64($0) }
        case "session-cookie-samesite": value.sameSite { settings.sameSite = $0 }
        case "session-cookie-accept":
            if let both = value.word(CookieBehaviour.acceptWords) { settings.acceptsBoth = both }
        case "session-cookie-format":
            if let format = value.word(CookieBehaviour.formatWords) { settings.format = format }
        default: applyFlag(name, value)
        }
    }

    private mutating func applyFlag(_ name: String, _ value: AnnotationValue) {
        switch name {
        case "session-cookie-secure": value.boolean { settings.secure = $0 }
        case "session-cookie-conditional-samesite-none":
            value.boolean { settings.conditionalSameSiteNone = $0 }
        case "session-cookie-change-on-failure": value.boolean { settings.changeOnFailure = $0 }
        case "session-cookie-partitioned": value.boolean { settings.partitioned = $0 }
        case "session-cookie-strip": value.boolean { settings.strip = $0 }
        case "session-cookie-nocache": value.boolean { settings.noCache = $0 }
        default: break
        }
    }

    private static let modeWords = Words<CookieSettings.Mode>(
        supported: [("balanced", .balanced), ("persistent", .persistent)])

    private static let acceptWords = Words<Bool>(supported: [("both", true), ("sealed", false)])

    private static let formatWords = Words<CookieSettings.Format>(
        supported: [("sealed", .sealed), ("ingress-nginx", .ingressNginx)])
}
