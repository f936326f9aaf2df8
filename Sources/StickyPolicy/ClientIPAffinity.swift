/// Affinity by client address, for one route or service: the session table remembers who belongs
/// where.
final class ClientIPAffinity: Sendable {
    private let settings: ClientIPSettings
    private let service: UInt64
    private let sessions: SessionTable

    init(_ settings: ClientIPSettings, service: ServiceProfile, sessions: SessionTable) {
        self.settings = settings
        self.service = service.identity
        self.sessions = sessions
    }

    /// The backend for a request; nil when none may serve it.
    func select(for client: ClientFacts, from service: inout ServiceSelector) -> Selection? {
        let key = key(of: client)
        let hash = key.address.stableHash
        guard let bound = sessions.backend(of: key, at: idleTime(client)) else {
            guard let choice = service.pick() else { return nil }
            let selection = Selection(
                backend: choice, kind: .clientIP, reason: .new, clientKey: hash)
            return bind(selection, of: client, replacing: nil, in: service)
        }
        let home = service.position(of: bound)
        if let home, service.keepsClients(home) {
            return Selection(backend: home, kind: .clientIP, reason: .hit, clientKey: hash)
        }
        // Unlike a cookie, the entry moves with the client: what its session has at the new backend
        // is worth more than the way home.
        guard let refuge = service.successor(of: hash) else { return nil }
        var selection = Selection(
            backend: refuge, kind: .clientIP, reason: home == nil ? .lost : .down, clientKey: hash)
        selection.wasMoved = true
        return bind(selection, of: client, replacing: bound, in: service)
    }

    /// The next backend after a connection to `failed.backend` could not be made. A session that
    /// was there before stays bound, as one failed connection is no outage; a new one moves.
    func successor(
        of failed: Selection, for client: ClientFacts, excluding tried: TriedBackends,
        from service: ServiceSelector
    ) -> Selection? {
        guard let next = service.successor(of: failed.clientKey, excluding: tried) else {
            return nil
        }
        var selection = failed
        selection.backend = next
        if failed.reason == .hit {
            selection.reason = .down
            selection.wasMoved = true
        } else {
            // Where the entry names another backend than the failed one, it stays as it is.
            let identity = service.candidates[failed.backend].identity
            _ = sessions.bind(
                key(of: client), to: service.candidates[next].identity, replacing: identity,
                at: idleTime(client))
        }
        return selection
    }

    /// Keeps the session of a client while a tunnel is open; nil when there is none.
    func hold(for client: ClientFacts) -> SessionHold? {
        let key = key(of: client)
        guard sessions.hold(key, now: client.monotonicSeconds) else { return nil }
        return SessionHold(sessions: sessions, key: key, timeout: settings.timeoutSeconds)
    }

    /// Enters a selection into the table. Where a request on another worker was faster, and its
    /// backend can serve, that one is taken.
    private func bind(
        _ selection: Selection, of client: ClientFacts, replacing lost: UInt64?,
        in service: ServiceSelector
    ) -> Selection {
        let bound = sessions.bind(
            key(of: client), to: service.candidates[selection.backend].identity, replacing: lost,
            at: idleTime(client))
        var selection = selection
        if let position = service.position(of: bound), service.keepsClients(position) {
            selection.backend = position
        }
        return selection
    }

    private func key(of client: ClientFacts) -> SessionKey {
        SessionKey(
            service: service,
            address: client.address.masked(
                v4: settings.prefixLength, v6: settings.prefixLengthV6))
    }

    private func idleTime(_ client: ClientFacts) -> IdleTime {
        IdleTime(now: client.monotonicSeconds, timeout: settings.timeoutSeconds)
    }
}

/// A session that an open tunnel keeps. It outlives the configuration that it began under.
public struct SessionHold: Sendable {
    let sessions: SessionTable
    let key: SessionKey
    let timeout: UInt32

    /// The tunnel is closed. To be called once.
    public consuming func release(monotonicSeconds: UInt32) {
        sessions.release(key, at: IdleTime(now: monotonicSeconds, timeout: timeout))
    }
}
