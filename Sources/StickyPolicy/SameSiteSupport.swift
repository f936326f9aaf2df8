internal import HTTPParser

/// Which browsers take `SameSite=None` for `Strict`, or refuse the cookie because of it.
enum SameSiteSupport {
    /// Whether the attribute is to be left out for this User-Agent.
    ///
    /// The rules are those of ingress-nginx, to the letter: Chrome 40 to 69 (and 4 to 6), all
    /// browsers of iOS 12, and Safari on macOS 10.14.
    static func rejectsNone(_ userAgent: Span<UInt8>) -> Bool {
        if userAgent.contains("Chrome/4") || userAgent.contains("Chrome/5")
            || userAgent.contains("Chrome/6")
        {
            return true
        }
        if userAgent.contains("CPU iPhone OS 12") || userAgent.contains("iPad; CPU OS 12") {
            return true
        }
        return userAgent.contains("Macintosh") && userAgent.contains("Intel Mac OS X 10_14")
            && userAgent.contains("Safari") && !userAgent.contains("Chrome")
    }
}

extension Span where Element == UInt8 {
    /// Whether `text`, which is not empty, stands anywhere in these bytes.
    ///
    /// A plain search: a head is bounded, and a User-Agent is searched only when a cookie is set.
    fileprivate func contains(_ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        var start = 0
        while start + length <= count {
            if extracting(start..<start + length).equals(text) { return true }
            start += 1
        }
        return false
    }
}
