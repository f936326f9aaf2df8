internal import HTTPParser

/// Affinity by a sealed cookie, for one route: reads it, decides by it, and writes new ones.
///
/// Immutable and shared by all workers. In persistent mode the cookie names the backend; in
/// balanced mode the client key in it decides by rendezvous hashing.
final class CookieAffinity: Sendable {
    private let settings: CookieSettings
    private let scanner: CookieScanner
    private let sealer: CookieSealer
    private let fingerprint: UInt64
    /// For each key, how the tokens under it call the backends.
    private let identities: [IdentityIndex]
    private let line: SetCookie

    /// 8: a browser sends one cookie of a name for each path that matches. More are not looked at,
    /// since each one that is forged costs a hash.
    private static var cookiesMax: Int { 8 }
    /// A clock that is wrong by more than a day is not believed.
    private static var secondsAheadMax: Int64 { 86_400 }

    init(
        _ settings: CookieSettings, routePath: String, service: ServiceProfile,
        authenticator: any MessageAuthenticator
    ) {
        self.settings = settings
        scanner = CookieScanner(name: settings.name)
        let sealer = CookieSealer(
            service: service.name, cookieName: settings.name, authenticator: authenticator)
        self.sealer = sealer
        fingerprint = sealer.fingerprint
        identities = (0..<sealer.keyCount).map { key in
            IdentityIndex(
                service.backends.map { sealer.identity(ofBackend: $0.name, key: key) })
        }
        line = SetCookie(settings, routePath: routePath)
    }

    /// What a request shows of its session.
    enum Presented: Equatable {
        case nothing
        case forged
        case expired
        case token(OpenedToken)
    }

    /// The first cookie of the name that verifies and is in time; else the best reason why not.
    func presented(
        by head: RequestHead, in bytes: Span<UInt8>, at unixSeconds: Int64,
        remembering verified: inout VerifiedTokens
    ) -> Presented {
        var presented = Presented.nothing
        var cursor = CookieScanner.Cursor(in: head)
        for _ in 0..<Self.cookiesMax {
            guard let value = scanner.next(&cursor, head: head, in: bytes) else { break }
            // An empty value is how an application deletes a cookie that is not its own.
            if value.isEmpty { continue }
            let text = bytes.extracting(value.offsets)
            guard let opened = verified.open(text, with: sealer, fingerprint: fingerprint) else {
                if presented == .nothing { presented = .forged }
                continue
            }
            if isInTime(opened.token, at: unixSeconds) { return .token(opened) }
            presented = .expired
        }
        return presented
    }

    /// A browser forgets a cookie after its Max-Age; a client that does not is held to it.
    private func isInTime(_ token: CookieToken, at unixSeconds: Int64) -> Bool {
        let age = unixSeconds &- token.issuedAt
        if age < -Self.secondsAheadMax { return false }
        guard let maxAge = settings.maxAge, maxAge > 0 else { return true }
        return age < maxAge
    }

    /// The backend for a request; nil when none may serve it.
    func select(_ presented: Presented, from service: inout ServiceSelector) -> Selection? {
        switch presented {
        case .nothing: place(because: .new, in: &service)
        case .forged: place(because: .forged, in: &service)
        case .expired: place(because: .expired, in: &service)
        case .token(let opened): follow(opened, in: &service)
        }
    }

    /// Binds a client that has no session.
    private func place(
        because reason: AffinityReason, in service: inout ServiceSelector
    ) -> Selection? {
        guard let choice = service.pick() else { return nil }
        var selection = Selection(
            backend: choice, kind: .cookie, reason: reason, clientKey: service.newKey())
        bind(&selection, excluding: TriedBackends(), in: &service)
        return selection
    }

    /// Has a selection set a cookie. In balanced mode that takes a new key that belongs to the
    /// backend; where none is found, the backend changes instead.
    private func bind(
        _ selection: inout Selection, excluding tried: TriedBackends,
        in service: inout ServiceSelector
    ) {
        selection.setsCookie = true
        guard settings.mode == .balanced else { return }
        (selection.clientKey, selection.backend) = service.newKey(
            for: selection.backend, excluding: tried)
    }

    /// Sends a client where its session says, or to the successor of that backend.
    private func follow(_ opened: OpenedToken, in service: inout ServiceSelector) -> Selection? {
        let key = opened.token.clientKey
        let home =
            switch settings.mode {
            case .persistent: identities[opened.key].position(of: opened.token.backendIdentity)
            case .balanced: service.home(of: key)
            }
        if let home, service.keepsClients(home) {
            return Selection(backend: home, kind: .cookie, reason: .hit, clientKey: key)
        }
        guard let refuge = service.successor(of: key) else { return nil }
        // A backend that is down may come back, and its clients with it: they keep their cookies.
        var selection = Selection(
            backend: refuge, kind: .cookie, reason: home == nil ? .lost : .down, clientKey: key)
        selection.wasMoved = true
        if home == nil || settings.changeOnFailure {
            bind(&selection, excluding: TriedBackends(), in: &service)
        }
        return selection
    }

    /// The next backend after a connection to `failed.backend` could not be made.
    ///
    /// A session keeps its cookie, unless the settings want a new one; a cookie that was about to
    /// be set names the backend that will answer.
    func successor(
        of failed: Selection, excluding tried: TriedBackends, from service: inout ServiceSelector
    ) -> Selection? {
        guard let next = service.successor(of: failed.clientKey, excluding: tried) else {
            return nil
        }
        var selection = failed
        selection.backend = next
        if failed.reason == .hit {
            selection.reason = .down
            selection.wasMoved = true
        }
        if failed.setsCookie || settings.changeOnFailure {
            bind(&selection, excluding: tried, in: &service)
        }
        return selection
    }

    /// Whether a cookie for this client leaves `SameSite=None` out.
    func omitsSameSite(for head: RequestHead, in bytes: Span<UInt8>) -> Bool {
        guard settings.conditionalSameSiteNone, settings.sameSite == CookieSettings.SameSite.none,
            let userAgent = head.fields.first(.userAgent)
        else { return false }
        return SameSiteSupport.rejectsNone(bytes.extracting(userAgent.value.offsets))
    }

    /// Whether a selection without a cookie may yet get one, when its backend fails.
    var changesOnFailure: Bool { settings.changeOnFailure }

    /// Appends the `Set-Cookie` line for a selection that sets one.
    func appendSetCookie(
        for selection: Selection, isSecure: Bool, at unixSeconds: Int64,
        to writer: inout ByteWriter
    ) {
        let token = CookieToken(
            backendIdentity: identities[0].identities[selection.backend],
            clientKey: selection.clientKey, issuedAt: unixSeconds)
        let conditions = SetCookie.Conditions(
            isSecure: isSecure, omitsSameSite: selection.omitsSameSite, unixSeconds: unixSeconds)
        line.appendLine(conditions, to: &writer) { sealer.seal(token, to: &$0) }
    }
}
