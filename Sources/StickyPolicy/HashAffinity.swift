internal import HTTPParser

/// Affinity by what every request carries, a field or an expression: its key's owner serves it.
///
/// By a field, the session table also knows which keys were seen, for as long as their backend
/// drains: those stay, and new ones go elsewhere. By an expression a draining backend leaves the
/// ring at once, as in ingress-nginx.
final class HashAffinity: Sendable {
    private enum Source: Sendable {
        case field([UInt8])
        case expression(KeyReader, HashRing)
        /// The groups of backends, and the ring of the groups.
        case subsets(KeyReader, HashRing, [[Int]])
    }

    private let source: Source
    private let balanceFactor: UInt32?
    private let onLost: AffinitySettings.OnLost
    private let scope: UInt64
    private let sessions: SessionTable

    /// Keys that were seen within three hours stay with a draining backend, as addresses do.
    private static var timeoutSeconds: UInt32 { 10_800 }

    init(
        _ settings: HashSettings, onLost: AffinitySettings.OnLost, service: ServiceProfile,
        sessions: SessionTable
    ) {
        balanceFactor = settings.balanceFactor
        self.onLost = onLost
        self.sessions = sessions
        scope = stableHash("header:" + service.sessionScope)
        switch settings.key {
        case .field(let name): source = .field(Array(name.lowercased().utf8))
        case .expression(let expression):
            let reader = KeyReader(expression)
            if let size = settings.subsetSize, size > 0, !service.backends.isEmpty {
                let groups = Self.groups(of: service.backends.count, size: size)
                // ingress-nginx counts the groups from 1, and calls them so.
                let ring = HashRing(groups.indices.map { ("set\($0 + 1)", 1) })
                source = .subsets(reader, ring, groups)
            } else {
                source = .expression(reader, service.sharedRing.ring)
            }
        }
    }

    /// Cuts the backends into groups in the order of the list; the last is filled up from its
    /// beginning.
    static func groups(of count: Int, size: Int) -> [[Int]] {
        let size = min(size, count)
        return stride(from: 0, to: count, by: size).map { start in
            (start..<start + size).map { $0 % count }
        }
    }

    /// The backend for a request; nil when none may serve it.
    func select(
        _ head: RequestHead, in bytes: Span<UInt8>, from client: ClientFacts,
        in service: inout ServiceSelector
    ) -> Selection? {
        if let balanceFactor { service.markOverloaded(beyond: balanceFactor) }
        switch source {
        case .field(let name):
            guard let value = RequestKey.field(name, head, in: bytes), !value.isEmpty else { break }
            return select(fieldValue: bytes.extracting(value.offsets), from: client, in: &service)
        case .expression(let reader, let ring):
            guard let hash = reader.key(of: head, in: bytes, from: client) else { break }
            return select(hash, on: ring, in: service)
        case .subsets(let reader, let ring, let groups):
            guard let hash = reader.key(of: head, in: bytes, from: client),
                let group = ring.node(of: hash)
            else { break }
            return select(within: groups[group], hash, in: &service)
        }
        return service.pick().map {
            Selection(backend: $0, kind: .header, reason: .fallback, clientKey: 0)
        }
    }

    private func select(
        fieldValue value: Span<UInt8>, from client: ClientFacts,
        in service: inout ServiceSelector
    ) -> Selection? {
        let digest = WideHash(value)
        guard let home = service.home(of: digest.high) else { return nil }
        var selection = Selection(
            backend: home, kind: .header, reason: .hash, clientKey: digest.high)
        let key = SessionKey(service: scope, address: digest.address)
        let time = IdleTime(now: client.monotonicSeconds, timeout: Self.timeoutSeconds)
        let identity = service.candidates[home].identity
        switch service.candidates[home].state {
        case .ready where !isOverloaded(home, service):
            sessions.rebind(key, to: identity, at: time)
            selection.session = key
            return selection
        case .drain where service.keepsClients(home):
            guard sessions.backend(of: key, at: time) == identity else { break }
            selection.session = key
            return selection
        case .ready, .drain, .down: break
        }
        return move(selection, from: home, in: service)
    }

    private func isOverloaded(_ backend: Int, _ service: ServiceSelector) -> Bool {
        balanceFactor != nil && service.candidates[backend].isOverloaded
    }

    private func select(
        _ hash: UInt32, on ring: HashRing, in service: ServiceSelector
    ) -> Selection? {
        guard let home = ring.node(of: hash) else { return nil }
        var selection = Selection(
            backend: home, kind: .header, reason: .hash, clientKey: UInt64(hash))
        selection.ringHash = hash
        if service.candidates[home].takesNewClients, !isOverloaded(home, service) {
            return selection
        }
        return move(selection, from: home, in: service)
    }

    /// A key whose owner cannot serve goes to the next one. Where only its load is the reason, that
    /// is no loss, and nobody is told.
    private func move(
        _ selection: Selection, from home: Int, in service: ServiceSelector
    ) -> Selection? {
        let isLost = !service.candidates[home].takesNewClients
        if isLost, onLost == .error { return nil }
        guard let next = successor(of: selection, in: service) else { return nil }
        var moved = selection
        moved.backend = next
        if isLost {
            moved.reason = service.reasonToMove(from: home)
            moved.wasMoved = true
        }
        return moved
    }

    private func select(
        within group: [Int], _ hash: UInt32, in service: inout ServiceSelector
    ) -> Selection? {
        let member = draw(from: group, excluding: TriedBackends(), in: &service)
        let reason = member == nil ? AffinityReason.fallback : .hash
        return (member ?? service.pick()).map {
            var selection = Selection(
                backend: $0, kind: .header, reason: reason, clientKey: UInt64(hash))
            selection.ringHash = hash
            return selection
        }
    }

    /// Any of the group that may serve; nil when none may.
    private func draw(
        from group: [Int], excluding tried: TriedBackends, in service: inout ServiceSelector
    ) -> Int? {
        let eligibility = Eligibility.refuge(excluding: tried)
        var chosen: Int?
        var able: UInt64 = 0
        for backend in group where eligibility.admits(service.candidates[backend], at: backend) {
            able += 1
            // One of k is chosen with the chance 1 / k, without a list of them.
            if service.random() % able == 0 { chosen = backend }
        }
        return chosen
    }

    /// The next owner of the key, when the backend of a selection could not be reached.
    func successor(
        of failed: Selection, excluding tried: TriedBackends, in service: inout ServiceSelector
    ) -> Selection? {
        var selection = failed
        if let member = nextOfGroup(failed, excluding: tried, in: &service) {
            selection.backend = member
            return selection
        }
        if failed.reason == .fallback {
            guard let next = service.pick(excluding: tried) else { return nil }
            selection.backend = next
            return selection
        }
        if onLost == .error { return nil }
        guard let next = successor(of: failed, excluding: tried, in: service) else { return nil }
        selection.backend = next
        selection.reason = .down
        selection.wasMoved = true
        return selection
    }

    /// All of its group serve a key alike, so it has lost nothing there.
    private func nextOfGroup(
        _ failed: Selection, excluding tried: TriedBackends, in service: inout ServiceSelector
    ) -> Int? {
        guard case .subsets(_, let ring, let groups) = source, let hash = failed.ringHash,
            let group = ring.node(of: hash)
        else { return nil }
        return draw(from: groups[group], excluding: tried, in: &service)
    }

    private func successor(
        of selection: Selection, excluding tried: TriedBackends = TriedBackends(),
        in service: ServiceSelector
    ) -> Int? {
        if balanceFactor != nil,
            let next = owner(of: selection, .unburdened(excluding: tried), in: service)
        {
            return next
        }
        return owner(of: selection, .refuge(excluding: tried), in: service)
    }

    /// The owner of the key, whatever the states; nil where chance decides.
    func home(of selection: Selection, in service: ServiceSelector) -> Int? {
        if case .subsets = source { return nil }
        return selection.reason == .fallback ? nil : owner(of: selection, .home, in: service)
    }

    private func owner(
        of selection: Selection, _ eligibility: Eligibility, in service: ServiceSelector
    ) -> Int? {
        if case .expression(_, let ring) = source, let hash = selection.ringHash {
            return ring.owner(of: hash, among: service.candidates.span, eligibility)
        }
        return service.owner(of: selection.clientKey, eligibility)
    }
}
