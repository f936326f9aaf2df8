/// Affinity by client address, for one route or service: the session table remembers who belongs
/// where. Immutable and shared by all workers.
final class ClientIPAffinity: Sendable {
    private let settings: ClientIPSettings
    private let service: UInt64
    let table: TableAffinity

    init(
        _ settings: ClientIPSettings, onLost: AffinitySettings.OnLost, service: ServiceProfile,
        sessions: SessionTable
    ) {
        self.settings = settings
        self.service = service.identity
        table = TableAffinity(
            kind: .clientIP, timeoutSeconds: settings.timeoutSeconds, onLost: onLost,
            sessions: sessions)
    }

    /// The backend for a request; nil when none may serve it.
    func select(for client: ClientFacts, in service: inout ServiceSelector) -> Selection? {
        let key = key(of: client)
        let hash = key.address.stableHash
        if let bound = table.sessions.backend(of: key, at: table.idleTime(client)) {
            return table.follow(key, boundTo: bound, hash: hash, client, in: service)
        }
        guard let choice = service.pick() else { return nil }
        var selection = Selection(backend: choice, kind: .clientIP, reason: .new, clientKey: hash)
        selection.session = key
        return table.bind(selection, of: client, replacing: nil, in: service)
    }

    /// Whether the client has a session; its idle time starts anew.
    func isBound(_ client: ClientFacts) -> Bool {
        table.sessions.backend(of: key(of: client), at: table.idleTime(client)) != nil
    }

    private func key(of client: ClientFacts) -> SessionKey {
        SessionKey(
            service: service,
            address: client.address.masked(
                v4: settings.prefixLength, v6: settings.prefixLengthV6))
    }
}
