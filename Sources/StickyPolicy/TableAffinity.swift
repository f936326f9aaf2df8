/// Sessions that a table remembers, for one kind of key: what affinity by address and by a learned
/// cookie have in common.
struct TableAffinity: Sendable {
    let kind: AffinityKind
    let timeoutSeconds: UInt32
    let onLost: AffinitySettings.OnLost
    let sessions: SessionTable

    /// Follows a session to its backend, or moves it for good. Unlike a cookie, the entry moves
    /// with the client: what its session has at the new backend is worth more than the way home.
    func follow(
        _ key: SessionKey, boundTo bound: UInt64, hash: UInt64, _ client: ClientFacts,
        in service: ServiceSelector
    ) -> Selection? {
        let home = service.position(of: bound)
        var selection = Selection(backend: home ?? 0, kind: kind, reason: .hit, clientKey: hash)
        selection.session = key
        if let home, service.keepsClients(home) { return selection }
        guard onLost == .rebind, let refuge = service.successor(of: hash) else { return nil }
        selection.backend = refuge
        selection.reason = service.reasonToMove(from: home)
        selection.wasMoved = true
        return bind(selection, of: client, replacing: bound, in: service)
    }

    /// Enters a selection into the table. Where a request on another worker was faster, and its
    /// backend can serve, that one is taken.
    func bind(
        _ selection: Selection, of client: ClientFacts, replacing lost: UInt64?,
        in service: ServiceSelector
    ) -> Selection {
        guard let key = selection.session else { return selection }
        let bound = sessions.bind(
            key, to: service.candidates[selection.backend].identity, replacing: lost,
            at: idleTime(client))
        var selection = selection
        if let position = service.position(of: bound), service.keepsClients(position) {
            selection.backend = position
        }
        return selection
    }

    /// The next backend after a connection to `failed.backend` could not be made. A session that
    /// was there before stays bound, as one failed connection is no outage; a new one moves.
    func successor(
        of failed: Selection, for client: ClientFacts, excluding tried: TriedBackends,
        in service: ServiceSelector
    ) -> Selection? {
        guard let selection = service.successor(of: failed, excluding: tried, onLost: onLost)
        else { return nil }
        if failed.reason != .hit, let key = failed.session {
            // Where the entry names another backend than the failed one, it stays as it is.
            let identity = service.candidates[failed.backend].identity
            _ = sessions.bind(
                key, to: service.candidates[selection.backend].identity, replacing: identity,
                at: idleTime(client))
        }
        return selection
    }

    func idleTime(_ client: ClientFacts) -> IdleTime {
        IdleTime(now: client.monotonicSeconds, timeout: timeoutSeconds)
    }

    /// Keeps a session while a tunnel is open; nil when there is none.
    func hold(_ key: SessionKey, for client: ClientFacts) -> SessionHold? {
        guard sessions.hold(key, now: client.monotonicSeconds) else { return nil }
        return SessionHold(sessions: sessions, key: key, timeout: timeoutSeconds)
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
