import StickyPolicy

/// What the annotations of a route say about affinity by a field or an expression.
struct HashBehaviour {
    private var field: String?
    private var expression: HashExpression?
    private var hasSubsets = false
    /// 3: what ingress-nginx takes, also for a size of 0.
    private var subsetSize = 3
    private var balanceFactor: UInt32?

    /// Nil without a field name.
    var byField: HashSettings? { field.map { settings(.field($0)) } }

    /// Nil without `upstream-hash-by`.
    var byExpression: HashSettings? {
        expression.map { expression in
            var settings = settings(.expression(expression))
            if hasSubsets { settings.subsetSize = subsetSize }
            return settings
        }
    }

    private func settings(_ key: HashSettings.Key) -> HashSettings {
        var settings = HashSettings(key: key)
        settings.balanceFactor = balanceFactor
        return settings
    }

    mutating func apply(_ name: String, _ value: AnnotationValue) {
        switch name {
        case "session-header-name": value.fieldName { field = $0 }
        case "upstream-hash-by": value.hashExpression { expression = $0 }
        case "upstream-hash-by-subset": value.boolean { hasSubsets = $0 }
        case "upstream-hash-by-subset-size":
            value.integer(in: 0...10_000) { subsetSize = $0 == 0 ? 3 : $0 }
        case "hash-balance-factor":
            // 0 is no bound, as in HAProxy; at 100 nobody could take one more than the others.
            value.integer(in: 0...10_000) { factor in
                balanceFactor = factor <= 100 ? nil : UInt32(factor)
            }
        default: break
        }
    }
}
