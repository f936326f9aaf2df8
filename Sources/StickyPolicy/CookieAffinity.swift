internal import HTTPParser

/// Affinity by a cookie, for one route: decides by it, and writes new ones.
///
/// Immutable and shared by all workers. In persistent mode the cookie names the backend; in
/// balanced mode the client key in it decides by hashing.
final class CookieAffinity: Sendable {
    let settings: CookieSettings
    private let onLost: AffinitySettings.OnLost
    let reader: CookieReader
    private let sealer: CookieSealer
    private let ingressNginx: IngressNginxCookie?
    /// For cookies of ingress-nginx in balanced mode: where they are what clients get.
    private let ownRing: HashRing?
    /// Where they are accepted, and replaced: made for the first one that comes, for it is the most
    /// work and memory of a service.
    private let sharedRing: SharedRing?
    /// For each naming of the sealer, how its tokens call the backends.
    private let identities: [IdentityIndex]
    /// Some backend has the weight 0.
    private let hasWeightless: Bool
    private let line: SetCookie
    /// Finds the cookie where the backend is not to see it.
    let strippedScanner: CookieScanner?
    /// Sealed, too, where the service has no name that ingress-nginx would know.
    private let format: CookieSettings.Format

    init(
        _ settings: CookieSettings, onLost: AffinitySettings.OnLost = .rebind, line: SetCookie,
        service: ServiceProfile, authenticator: any MessageAuthenticator
    ) {
        self.settings = settings
        self.onLost = onLost
        let sealer = CookieSealer(
            service: service.sessionScope, formerService: service.formerScope,
            cookieName: settings.name, authenticator: authenticator)
        self.sealer = sealer
        let ingressNginx = service.ingressNginxName.map {
            IngressNginxCookie(name: $0, addresses: service.backends.map(\.address))
        }
        self.ingressNginx = ingressNginx
        reader = CookieReader(settings, sealer: sealer, ingressNginx: ingressNginx)
        let meetsKeys = settings.format == .ingressNginx || settings.acceptsBoth
        let hasRing = ingressNginx != nil && meetsKeys && settings.mode == .balanced
        sharedRing = hasRing ? service.sharedRing : nil
        ownRing = hasRing && settings.format == .ingressNginx ? service.sharedRing.ring : nil
        identities = (0..<sealer.namingCount).map { naming in
            IdentityIndex(
                service.backends.map { sealer.identity(ofBackend: $0.name, naming: naming) })
        }
        hasWeightless = service.backends.contains { $0.weight == 0 }
        self.line = line
        strippedScanner = settings.strip ? CookieScanner(name: settings.name) : nil
        format = ingressNginx == nil ? .sealed : settings.format
    }

    /// The backend for a request; nil when none may serve it.
    func select(
        _ presented: PresentedCookie, from client: ClientFacts, in service: inout ServiceSelector
    ) -> Selection? {
        switch presented {
        case .nothing: place(because: .new, from: client, in: &service)
        case .forged: place(because: .forged, from: client, in: &service)
        case .expired: place(because: .expired, from: client, in: &service)
        case .sealed(let opened):
            follow(session(of: opened, from: client, in: &service), client, in: &service)
        case .ingressNginx(let content):
            follow(session(of: content, from: client, in: service), client, in: &service)
        }
    }

    /// Binds a client that has no session.
    private func place(
        because reason: AffinityReason, from client: ClientFacts,
        in service: inout ServiceSelector
    ) -> Selection? {
        guard let choice = service.pick() else { return nil }
        var selection = Selection(
            backend: choice, kind: .cookie, reason: reason, clientKey: service.random())
        bind(&selection, at: client.unixSeconds, excluding: TriedBackends(), in: &service)
        return selection
    }

    private func session(
        of opened: OpenedToken, from client: ClientFacts, in service: inout ServiceSelector
    ) -> CookieSession {
        let key = opened.token.clientKey
        let home =
            switch settings.mode {
            case .persistent: identities[opened.naming].position(of: opened.token.backendIdentity)
            case .balanced: weightlessHome(of: opened, in: service) ?? service.home(of: key)
            }
        var session = CookieSession(home: home, clientKey: key)
        session.isForeign = format != .sealed
        session.issuedAt = opened.token.issuedAt
        session.wantsRenewal = reader.wantsRenewal(opened.token, at: client.unixSeconds)
        return session
    }

    /// A backend of weight 0 owns no key, and yet keeps the clients that it has: those whose value
    /// was made for it.
    private func weightlessHome(of opened: OpenedToken, in service: ServiceSelector) -> Int? {
        guard hasWeightless,
            let named = identities[opened.naming].position(of: opened.token.backendIdentity),
            service.candidates[named].weight == 0
        else { return nil }
        return named
    }

    /// A persistent value has no key: the address of the client stands for it.
    private func session(
        of content: IngressNginxCookie.Content, from client: ClientFacts,
        in service: ServiceSelector
    ) -> CookieSession {
        var session = CookieSession(home: nil, clientKey: client.address.stableHash)
        switch content {
        case .backend(let position): session.home = position
        case .key(let hash):
            // In persistent mode it is the value of a backend that is gone, or from before the
            // mode was changed.
            guard let ring else { break }
            session.clientKey = UInt64(hash)
            session.ringHash = hash
            session.home = ring.owner(of: hash, among: service.candidates.span, .home)
        }
        session.isForeign = format != .ingressNginx
        return session
    }

    /// Sends a client where its session says, or to the successor of that backend.
    private func follow(
        _ session: CookieSession, _ client: ClientFacts, in service: inout ServiceSelector
    ) -> Selection? {
        var selection = Selection(
            backend: session.home ?? 0, kind: .cookie, reason: .hit, clientKey: session.clientKey)
        selection.ringHash = session.ringHash
        if let home = session.home, service.keepsClients(home) {
            if session.isForeign {
                migrate(&selection, at: client.unixSeconds, in: &service)
            } else if session.wantsRenewal {
                selection.setsCookie = true
                selection.issuedAt = session.issuedAt
            }
            return selection
        }
        guard onLost == .rebind, let refuge = successor(of: selection, in: service) else {
            return nil
        }
        selection.backend = refuge
        selection.reason = service.reasonToMove(from: session.home)
        selection.wasMoved = true
        // A backend that is down may come back, and its clients with it: they keep their cookies.
        if selection.reason != .down || settings.changeOnFailure {
            bind(&selection, at: client.unixSeconds, excluding: TriedBackends(), in: &service)
        }
        return selection
    }

    /// Where the key of a session lies in balanced mode, whatever the states; in the other nil.
    func home(of selection: Selection, in service: ServiceSelector) -> Int? {
        guard settings.mode == .balanced else { return nil }
        guard let hash = selection.ringHash, let ring else {
            return service.owner(of: selection.clientKey)
        }
        return ring.owner(of: hash, among: service.candidates.span, .home)
    }

    private func successor(
        of selection: Selection, excluding tried: TriedBackends = TriedBackends(),
        in service: ServiceSelector
    ) -> Int? {
        guard let hash = selection.ringHash, let ring else {
            return service.successor(of: selection.clientKey, excluding: tried)
        }
        return ring.owner(
            of: hash, among: service.candidates.span, .refuge(excluding: tried))
    }

    /// Has a selection set a cookie. In balanced mode that takes a new key that belongs to the
    /// backend; where none is found, the backend changes instead.
    private func bind(
        _ selection: inout Selection, at unixSeconds: Int64, excluding tried: TriedBackends,
        in service: inout ServiceSelector
    ) {
        selection.setsCookie = true
        selection.issuedAt = nil
        guard settings.mode == .balanced else { return }
        (selection.clientKey, selection.backend) = drawKey(
            for: selection.backend, at: unixSeconds, excluding: tried, in: &service)
        if usesRing {
            selection.ringHash = IngressNginxCookie.Key(packed: selection.clientKey).ringHash
        } else {
            selection.ringHash = nil
        }
    }

    /// Replaces a cookie of the other format by one of ours. The client stays where it is: where no
    /// key is found that belongs there, it keeps the cookie that it has.
    private func migrate(
        _ selection: inout Selection, at unixSeconds: Int64, in service: inout ServiceSelector
    ) {
        selection.reason = .migrated
        var bound = selection
        bind(&bound, at: unixSeconds, excluding: TriedBackends(), in: &service)
        if bound.backend == selection.backend { selection = bound }
    }

    private var ring: HashRing? { ownRing ?? sharedRing?.ring }

    private var usesRing: Bool { format == .ingressNginx && sharedRing != nil }

    private func drawKey(
        for choice: Int, at unixSeconds: Int64, excluding tried: TriedBackends,
        in service: inout ServiceSelector
    ) -> (key: UInt64, backend: Int) {
        guard usesRing, let ring else {
            return service.drawKey(for: choice, excluding: tried)
        }
        return service.drawRingKey(for: choice, excluding: tried) { random in
            let key = IngressNginxCookie.Key(unixSeconds: unixSeconds, random: random)
            return (key.packed, ring.node(of: key.ringHash))
        }
    }

    /// The next backend after a connection to `failed.backend` could not be made.
    ///
    /// A session keeps its cookie, unless the settings want a new one; a cookie that was about to
    /// be set names the backend that will answer.
    func successor(
        of failed: Selection, from client: ClientFacts, excluding tried: TriedBackends,
        in service: inout ServiceSelector
    ) -> Selection? {
        let isBound = failed.reason == .hit || failed.reason == .migrated
        if isBound, onLost == .error { return nil }
        guard let next = successor(of: failed, excluding: tried, in: service) else { return nil }
        var selection = failed
        selection.backend = next
        if isBound {
            selection.reason = .down
            selection.wasMoved = true
        }
        // What was only to be renewed, or written anew, still says where the session belongs.
        let wasNew = failed.setsCookie && !isBound
        selection.setsCookie = false
        if wasNew || settings.changeOnFailure {
            bind(&selection, at: client.unixSeconds, excluding: tried, in: &service)
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
        let conditions = SetCookie.Conditions(
            isSecure: isSecure, omitsSameSite: selection.omitsSameSite, unixSeconds: unixSeconds)
        line.appendLine(conditions, to: &writer) { writer in
            appendValue(for: selection, at: unixSeconds, to: &writer)
        }
    }

    private func appendValue(
        for selection: Selection, at unixSeconds: Int64, to writer: inout ByteWriter
    ) {
        if format == .ingressNginx, let ingressNginx {
            if settings.mode == .persistent {
                ingressNginx.append(persistent: selection.backend, to: &writer)
            } else {
                ingressNginx.append(
                    balanced: IngressNginxCookie.Key(packed: selection.clientKey), to: &writer)
            }
            return
        }
        let token = CookieToken(
            backendIdentity: identities[0].identities[selection.backend],
            clientKey: selection.clientKey, issuedAt: selection.issuedAt ?? unixSeconds,
            lastSeen: settings.maxIdle == nil ? nil : unixSeconds)
        sealer.seal(token, to: &writer)
    }
}
