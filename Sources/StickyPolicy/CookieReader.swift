internal import HTTPParser

/// Finds and verifies the affinity cookie of one route, in every format that the route accepts.
struct CookieReader: Sendable {
    private let scanner: CookieScanner
    private let sealer: CookieSealer
    private let fingerprint: UInt64
    /// Nil when values of ingress-nginx are not accepted.
    private let ingressNginx: IngressNginxCookie?
    private let acceptsSealed: Bool
    private let maxAge: Int64?
    private let maxIdle: Int64?

    /// 8: a browser sends one cookie of a name for each path that matches. More are not looked at,
    /// since each one that is forged costs a hash.
    private static var cookiesMax: Int { 8 }
    /// A clock that is wrong by more than a day is not believed.
    private static var secondsAheadMax: Int64 { 86_400 }

    init(_ settings: CookieSettings, sealer: CookieSealer, ingressNginx: IngressNginxCookie?) {
        scanner = CookieScanner(name: settings.name)
        self.sealer = sealer
        fingerprint = sealer.fingerprint
        let isSealed = settings.format == .sealed
        self.ingressNginx = isSealed && !settings.acceptsBoth ? nil : ingressNginx
        acceptsSealed = isSealed || settings.acceptsBoth
        maxAge = settings.maxAge.flatMap { $0 > 0 ? $0 : nil }
        maxIdle = settings.maxIdle
    }

    /// The first cookie of the name that verifies and is in time; else the best reason why not.
    func read(
        _ head: RequestHead, in bytes: Span<UInt8>, at unixSeconds: Int64,
        remembering verified: inout VerifiedTokens
    ) -> PresentedCookie {
        var presented = PresentedCookie.nothing
        var cursor = CookieScanner.Cursor(in: head)
        for _ in 0..<Self.cookiesMax {
            guard let value = scanner.next(&cursor, head: head, in: bytes) else { break }
            // An empty value is how an application deletes a cookie that is not its own.
            if value.isEmpty { continue }
            let text = bytes.extracting(bytes.unquoted(value))
            if acceptsSealed,
                let opened = verified.open(text, with: sealer, fingerprint: fingerprint)
            {
                if isInTime(opened.token, at: unixSeconds) { return .sealed(opened) }
                presented = .expired
            } else if let content = ingressNginx?.read(text) {
                return .ingressNginx(content)
            } else if presented == .nothing {
                presented = .forged
            }
        }
        return presented
    }

    /// A browser forgets a cookie after its Max-Age; a client that does not is held to it.
    private func isInTime(_ token: CookieToken, at unixSeconds: Int64) -> Bool {
        let age = unixSeconds &- token.issuedAt
        if age < -Self.secondsAheadMax { return false }
        if let maxAge, age >= maxAge { return false }
        guard let maxIdle else { return true }
        // Up to a tenth passes before a cookie is renewed, which is not the client's idleness.
        return unixSeconds &- (token.lastSeen ?? token.issuedAt) <= maxIdle + maxIdle / 10
    }

    /// Whether the cookie has to be sent again, lest a busy session looks idle.
    func wantsRenewal(_ token: CookieToken, at unixSeconds: Int64) -> Bool {
        guard let maxIdle else { return false }
        guard let lastSeen = token.lastSeen else { return true }
        return unixSeconds &- lastSeen > maxIdle / 10
    }
}

extension Span where Element == UInt8 {
    /// Where the value lies without double quotes around it (RFC 6265 §4.1.1), in which some
    /// clients put every value.
    fileprivate func unquoted(_ value: ByteRange) -> Range<Int> {
        let range = value.offsets
        guard range.count >= 2, self[range.lowerBound] == 0x22, self[range.upperBound - 1] == 0x22
        else { return range }
        return range.lowerBound + 1..<range.upperBound - 1
    }
}
