import StickyPolicy

/// What the `canary*` annotations of a route say.
struct CanaryBehaviour {
    /// The route is the canary of another one.
    private(set) var isOn = false
    private(set) var settings = CanarySettings()

    mutating func apply(_ name: String, _ value: AnnotationValue) {
        switch name {
        case "canary": value.boolean { isOn = $0 }
        case "canary-weight": value.integer(in: 0...1_000_000) { settings.weight = $0 }
        case "canary-weight-total": value.integer(in: 0...1_000_000) { settings.weightTotal = $0 }
        case "canary-by-header": value.fieldName { settings.header = $0 }
        case "canary-by-header-value": value.visibleText { settings.headerValue = $0 }
        case "canary-by-header-pattern": value.pattern { settings.headerPattern = $0 }
        case "canary-by-cookie": value.cookieText { settings.cookie = $0 }
        case "affinity-canary-behavior":
            if let isSticky = value.word(CanaryBehaviour.stickyWords) {
                settings.isSticky = isSticky
            }
        case "canary-precedence":
            if let precedence = value.word(CanaryBehaviour.precedenceWords) {
                settings.precedence = precedence
            }
        default: break
        }
    }

    private static let stickyWords = Words<Bool>(supported: [("sticky", true), ("legacy", false)])

    private static let precedenceWords = Words<CanarySettings.Precedence>(
        supported: [("affinity", .affinity), ("rule", .rule)])
}
