import ProxyCore

/// The value of `proxy-next-upstream`.
struct RetryConditions {
    var conditions: RetryRule.Conditions = []
    var includesNonIdempotent = false
}

extension AnnotationValue {
    /// Words between spaces. As ingress-nginx does, a list with an unknown word is refused whole.
    func retryConditions(_ use: (RetryConditions) -> Void) {
        var result = RetryConditions()
        for word in annotation.text.split(separator: " ") {
            if word == "off" { return use(RetryConditions()) }
            if word == "non_idempotent" {
                result.includesNonIdempotent = true
            } else if let condition = AnnotationValue.conditions[String(word)] {
                result.conditions.insert(condition)
            } else {
                return fault(
                    mustBe: "off, or of error, timeout, invalid_header, http_403, http_404, "
                        + "http_429, http_500, http_502, http_503, http_504, non_idempotent")
            }
        }
        use(result)
    }

    private static let conditions: [String: RetryRule.Conditions] = [
        "error": .error, "timeout": .timeout, "invalid_header": .invalidHeader,
        "http_403": .http403, "http_404": .http404, "http_429": .http429, "http_500": .http500,
        "http_502": .http502, "http_503": .http503, "http_504": .http504,
    ]

    func count(_ range: ClosedRange<Int>, _ use: (Int) -> Void) {
        let text = annotation.text.filter { $0 != " " }
        guard let number = Int(text), range.contains(number) else {
            return fault(
                mustBe: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        use(number)
    }
}

extension RetryRule {
    mutating func apply(_ list: RetryConditions) {
        conditions = list.conditions
        includesNonIdempotent = list.includesNonIdempotent
    }
}
