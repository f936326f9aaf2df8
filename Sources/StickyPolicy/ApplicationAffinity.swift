internal import HTTPParser

/// Affinity by a cookie that the application sets for itself: learned from its responses, or read
/// for the name of the backend behind the last dot.
struct ApplicationAffinity: Sendable {
    private enum Rule: Sendable {
        case learn(TableAffinity)
        /// Positions by the stable hashes of the backends' names.
        case suffix(IdentityIndex)
    }

    private let cookie: ApplicationCookie
    private let rule: Rule
    private let scope: UInt64
    private let onLost: AffinitySettings.OnLost

    init(
        _ settings: ApplicationCookieSettings, onLost: AffinitySettings.OnLost,
        service: ServiceProfile, sessions: SessionTable
    ) {
        cookie = ApplicationCookie(name: settings.cookieName)
        self.onLost = onLost
        scope = stableHash("learned:\(settings.cookieName):\(service.sessionScope)")
        switch settings.mode {
        case .learn(let timeout):
            rule = .learn(
                TableAffinity(
                    kind: .learned, timeoutSeconds: timeout, onLost: onLost, sessions: sessions))
        case .routeSuffix: rule = .suffix(IdentityIndex(service.backends.map(\.identity)))
        }
    }

    var table: TableAffinity? {
        if case .learn(let table) = rule { table } else { nil }
    }

    /// The backend for a request; nil when none may serve it.
    func select(
        _ head: RequestHead, in bytes: Span<UInt8>, from client: ClientFacts,
        in service: inout ServiceSelector
    ) -> Selection? {
        switch rule {
        case .learn(let table):
            let found = cookie.find(in: head, bytes) { id -> (SessionKey, UInt64)? in
                let key = key(of: id)
                let bound = table.sessions.backend(of: key, at: table.idleTime(client))
                return bound.map { (key, $0) }
            }
            if let (key, bound) = found.answer {
                return table.follow(
                    key, boundTo: bound, hash: key.address.high, client, in: service)
            }
            return place(found.id.map { WideHash(bytes.extracting($0.offsets)).high }, in: &service)
        case .suffix(let names):
            let found = cookie.find(in: head, bytes) { suffix(of: $0) == nil ? nil : true }
            guard let id = found.id else { return place(nil, in: &service) }
            let text = bytes.extracting(id.offsets)
            let hash = WideHash(text).high
            guard let suffix = suffix(of: text) else { return place(hash, in: &service) }
            let home = names.position(of: stableHash(text.extracting(suffix)))
            return follow(home, hash: hash, in: service)
        }
    }

    /// A client without a session, or with one that nobody knows: the same id goes to the same
    /// backend until the application says something else.
    private func place(_ id: UInt64?, in service: inout ServiceSelector) -> Selection? {
        let choice = id.map { service.successor(of: $0) } ?? service.pick()
        return choice.map {
            Selection(backend: $0, kind: kind, reason: .new, clientKey: id ?? service.random())
        }
    }

    private var kind: AffinityKind {
        if case .learn = rule { .learned } else { .suffix }
    }

    private func follow(_ home: Int?, hash: UInt64, in service: ServiceSelector) -> Selection? {
        var selection = Selection(backend: home ?? 0, kind: .suffix, reason: .hit, clientKey: hash)
        if let home, service.keepsClients(home) { return selection }
        guard onLost == .rebind, let refuge = service.successor(of: hash) else { return nil }
        selection.backend = refuge
        selection.reason = service.reasonToMove(from: home)
        selection.wasMoved = true
        return selection
    }

    func successor(
        of failed: Selection, for client: ClientFacts, excluding tried: TriedBackends,
        in service: ServiceSelector
    ) -> Selection? {
        if let table, failed.session != nil {
            return table.successor(of: failed, for: client, excluding: tried, in: service)
        }
        return service.successor(of: failed, excluding: tried, onLost: onLost)
    }

    /// Remembers which backend set the cookie in a response, and answers whose session that is;
    /// nil when none was set.
    func learn(
        from head: ResponseHead, in bytes: Span<UInt8>, to backend: UInt64, at client: ClientFacts
    ) -> SessionKey? {
        guard case .learn(let table) = rule else { return nil }
        var learned: SessionKey?
        var next = 0
        while let position = head.fields.position(of: .setCookie, from: next) {
            next = position + 1
            let line = bytes.extracting(head.fields[position].value.offsets)
            guard let id = cookie.idSet(by: line) else { continue }
            let key = key(of: line.extracting(id))
            table.sessions.rebind(key, to: backend, at: table.idleTime(client))
            learned = key
        }
        return learned
    }

    private func key(of id: Span<UInt8>) -> SessionKey {
        SessionKey(service: scope, address: WideHash(id).address)
    }

    /// What stands behind the last dot; nil without one.
    private func suffix(of id: Span<UInt8>) -> Range<Int>? {
        var start = id.count
        while start > 0, id[start - 1] != 0x2E { start -= 1 }
        return start == 0 || start == id.count ? nil : start..<id.count
    }
}
