/// A backend as balancers see it. Its position among the candidates is its position in the service.
public struct Candidate: Equatable, Sendable {
    /// A stable hash of the backend's name: the same whatever the order of the file.
    public let identity: UInt64
    /// Share of new clients; 0 takes none.
    public let weight: UInt32
    public var state: BackendState
    /// Its share of new clients at the moment, in 1/256 of a weight: less during a slow start.
    var warmWeight: UInt32
    /// How long it has drained, measured by its deadline.
    var drain = DrainPhase.inTime
    /// It has more to do than its share, where shares are bounded.
    var isOverloaded = false

    /// How a draining backend stands to its deadline.
    enum DrainPhase: UInt8, Sendable {
        case inTime
        /// Its sessions move at their next request that may be repeated.
        case over
        /// They move at any request.
        case longOver
    }

    public init(identity: UInt64, weight: UInt32, state: BackendState) {
        self.identity = identity
        self.weight = weight
        self.state = state
        warmWeight = min(weight, 1 << 20) * 256
    }

    /// Whether a client that belongs nowhere may be sent here.
    public var takesNewClients: Bool { state == .ready && weight > 0 }

    /// Whether a client that belongs here may come with this request.
    func keepsClients(isIdempotent: Bool) -> Bool {
        switch (state, drain) {
        case (.ready, _), (.drain, .inTime): true
        case (.drain, .over): !isIdempotent
        case (.drain, .longOver), (.down, _): false
        }
    }
}

/// The backends that one request has tried already, at most sixteen of them.
@frozen
public struct TriedBackends: Equatable, Sendable {
    public private(set) var count = 0
    /// Beyond 65,534 all are taken for one: it is not tried twice, and nobody has as many.
    private var positions = InlineArray<16, UInt16>(repeating: 0)

    public static var capacity: Int { 16 }

    public init() {}

    public static func == (left: TriedBackends, right: TriedBackends) -> Bool {
        left.count == right.count
            && (0..<left.count).allSatisfy { left.positions[$0] == right.positions[$0] }
    }

    /// No attempt may follow: one more could not be remembered.
    public var isFull: Bool { count == Self.capacity }

    /// Remembers a backend; when full, nothing happens.
    public mutating func insert(_ backend: Int) {
        guard !isFull, !contains(backend) else { return }
        positions[count] = UInt16(clamping: backend)
        count += 1
    }

    public func contains(_ backend: Int) -> Bool {
        for index in 0..<count where positions[index] == UInt16(clamping: backend) {
            return true
        }
        return false
    }
}
