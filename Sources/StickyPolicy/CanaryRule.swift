internal import HTTPParser

/// Decides between a route and its canary by what a request says, and by chance.
public struct CanaryRule: Sendable {
    enum Verdict { case canary, primary, undecided }

    let settings: CanarySettings
    private let header: [UInt8]?
    private let headerValue: [UInt8]?
    private let pattern: (any PatternMatcher)?
    private let cookie: CookieScanner?

    /// - Parameter pattern: `headerPattern`, compiled; nil where there is none.
    public init(_ settings: CanarySettings, pattern: (any PatternMatcher)? = nil) {
        self.settings = settings
        header = settings.header.map { Array($0.lowercased().utf8) }
        headerValue = settings.headerValue.map { Array($0.utf8) }
        self.pattern = pattern
        cookie = settings.cookie.map { CookieScanner(name: $0, ignoresCase: true) }
    }

    /// What the request asks for: by the field, then by the cookie.
    func verdict(on head: RequestHead, in bytes: Span<UInt8>) -> Verdict {
        if let header, let value = canaryField(header, head, in: bytes) {
            let verdict = verdict(onField: bytes.extracting(value.offsets))
            if verdict != .undecided { return verdict }
        }
        guard let cookie else { return .undecided }
        var cursor = CookieScanner.Cursor(in: head)
        guard let value = cookie.next(&cursor, head: head, in: bytes) else { return .undecided }
        return verdict(onWord: bytes.extracting(value.offsets))
    }

    private func verdict(onField value: Span<UInt8>) -> Verdict {
        if let headerValue {
            return value.isSame(as: headerValue) ? .canary : .undecided
        }
        if settings.headerPattern != nil {
            // A search that was given up ends the matter, as in ingress-nginx.
            guard let isMatch = pattern?.matches(value) else { return .primary }
            return isMatch ? .canary : .undecided
        }
        return verdict(onWord: value)
    }

    private func verdict(onWord value: Span<UInt8>) -> Verdict {
        if value.equals("always") { return .canary }
        return value.equals("never") ? .primary : .undecided
    }

    /// Names are compared without case, and `_` is `-`.
    private func canaryField(
        _ name: [UInt8], _ head: RequestHead, in bytes: Span<UInt8>
    ) -> ByteRange? {
        for position in 0..<head.fields.count where head.fields[position].name.count == name.count {
            let found = bytes.extracting(head.fields[position].name.offsets)
            if found.indices.allSatisfy({ dashed(found[$0]) == dashed(name[$0]) }) {
                return head.fields[position].value
            }
        }
        return nil
    }

    private func dashed(_ byte: UInt8) -> UInt8 {
        if byte == 0x5F { return 0x2D }
        return byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }

    /// Whether chance sends a request to the canary: `weight` of `weightTotal`, which is at least
    /// 100.
    func isChosen(by random: UInt64) -> Bool {
        let total = UInt64(max(settings.weightTotal, 100))
        return random % total < UInt64(max(settings.weight, 0))
    }
}

extension Span where Element == UInt8 {
    fileprivate func isSame(as other: [UInt8]) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count where self[index] != other[index] { return false }
        return true
    }
}
