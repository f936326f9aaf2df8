/// A service as affinity and balancing see it. Made once per configuration.
public struct ServiceProfile: Sendable {
    public let name: String
    /// What its sessions belong to, so it has to stay the same across reloads and replicas. Its
    /// name, unless it has the backends of another service.
    public var sessionScope: String
    /// What cookies that clients still have were sealed for; they stay good.
    public var formerScope: String?
    /// Which service of the configuration it is.
    public let position: Int
    public let backends: [BackendProfile]
    public var balance = BalanceKind.roundRobin
    /// `sessionAffinity: ClientIP`; a route's own affinity wins over it.
    public var clientIP: ClientIPSettings?
    /// `<namespace>-<service>-<port>`: its name in the cookies of ingress-nginx. Nil: its cookies
    /// are not known.
    public var ingressNginxName: String?
    /// For how long a backend that has become ready gets fewer new clients than its share.
    public var slowStartSeconds: UInt32 = 0
    let sharedRing: SharedRing

    public init(name: String, position: Int, backends: [BackendProfile]) {
        self.name = name
        sessionScope = name
        self.position = position
        self.backends = backends
        sharedRing = SharedRing(backends.map { ($0.address, $0.weight) })
    }

    /// A stable hash of the scope of its sessions.
    public var identity: UInt64 { stableHash(sessionScope) }
}

/// One backend of a service.
public struct BackendProfile: Sendable {
    /// What sessions know it by: stable across restarts and independent of the order in the file.
    public let name: String
    /// `ip:port`, with brackets around IPv6: what the rings of ingress-nginx know it by.
    public var address: String
    public let weight: UInt32
    /// The state to start with.
    public let state: BackendState
    /// How long its sessions stay while it drains; 0 for as long as they like.
    public var drainDeadlineSeconds: UInt32 = 0
    /// What it has to do, shared by all workers.
    public let load: BackendLoad

    public init(
        name: String, weight: UInt32 = 1, state: BackendState = .ready,
        load: BackendLoad = BackendLoad()
    ) {
        self.name = name
        address = name
        self.weight = weight
        self.state = state
        self.load = load
    }

    /// A stable hash of the name.
    public var identity: UInt64 { stableHash(name) }
}

/// Finds a backend's position by one of its 64-bit identities, which are hashes.
struct IdentityIndex: Sendable {
    /// In the order of backends.
    let identities: [UInt64]
    /// Positions where the low bits of the identities say, or behind; `free` where there is none.
    /// A power of two, and half of it free at least, so that a search ends soon.
    private let places: [UInt32]

    private static var free: UInt32 { .max }

    init(_ identities: [UInt64]) {
        self.identities = identities
        var count = 2
        while count < 2 * identities.count { count *= 2 }
        var places = [UInt32](repeating: Self.free, count: count)
        for (position, identity) in identities.enumerated() {
            var place = Int(truncatingIfNeeded: identity) & (count - 1)
            while places[place] != Self.free { place = (place + 1) & (count - 1) }
            places[place] = UInt32(truncatingIfNeeded: position)
        }
        self.places = places
    }

    /// Of two backends with one identity the first.
    func position(of identity: UInt64) -> Int? {
        var place = Int(truncatingIfNeeded: identity) & (places.count - 1)
        while places[place] != Self.free {
            let position = Int(places[place])
            if identities[position] == identity { return position }
            place = (place + 1) & (places.count - 1)
        }
        return nil
    }
}
