internal import Synchronization

/// The consistent-hash ring of ingress-nginx, point for point: keys and the cookies of its balanced
/// mode have the same owners here as there.
///
/// Its shares are uneven by up to a third. Where nothing has to agree with ingress-nginx,
/// `RendezvousHash` is used.
struct HashRing: Sendable {
    private struct Point {
        var hash: UInt32
        var node: UInt32
    }

    /// In the order of their hashes.
    private let points: [Point]
    /// Where the points begin whose hashes have these leading bits, so that a search has a few to
    /// look at: there are about as many of these as points.
    private let starts: [UInt32]
    private let startShift: UInt32

    /// 160: as many as ingress-nginx gives a backend of weight 1.
    private static var pointsPerNode: Int { 160 }
    /// 2^20 points are 8 MB; weights beyond that share them.
    private static var pointsMax: Int { 1 << 20 }

    /// - Parameter nodes: what each node is called on the ring, and its weight.
    init(_ nodes: [(name: String, weight: UInt32)]) {
        let counts = Self.pointCounts(nodes.map { Int($0.weight) })
        var points: [Point] = []
        points.reserveCapacity(counts.reduce(0, +))
        for (position, node) in nodes.enumerated() {
            var crc = CRC32()
            crc.combine(Array(node.name.utf8))
            // The state of the name's checksum is kept, and each point is the checksum of the point
            // before it from there on; before the first there is zero.
            let start = crc.value
            var hash: UInt32 = 0
            for _ in 0..<counts[position] {
                var next = CRC32(continuing: start)
                for shift in stride(from: 0 as UInt32, to: 32, by: 8) {
                    next.combine(UInt8(truncatingIfNeeded: hash >> shift))
                }
                hash = next.value
                points.append(Point(hash: hash, node: UInt32(truncatingIfNeeded: position)))
            }
        }
        self.points = points.sorted { ($0.hash, $0.node) < ($1.hash, $1.node) }
        (starts, startShift) = Self.starts(of: self.points)
    }

    private static func starts(of points: [Point]) -> (starts: [UInt32], shift: UInt32) {
        var bits: UInt32 = 1
        while 1 << Int(bits) < points.count { bits += 1 }
        let shift = 32 - bits
        var starts: [UInt32] = []
        starts.reserveCapacity(1 << Int(bits))
        var position = 0
        for lead in 0..<UInt32(1) << bits {
            while position < points.count, points[position].hash >> shift < lead { position += 1 }
            starts.append(UInt32(truncatingIfNeeded: position))
        }
        return (starts, shift)
    }

    private static func pointCounts(_ weights: [Int]) -> [Int] {
        let divisor = max(weights.reduce(0, greatestCommonDivisor), 1)
        let shares = weights.map { $0 / divisor }
        let total = shares.reduce(0, +)
        guard total > pointsMax / pointsPerNode else { return shares.map { $0 * pointsPerNode } }
        return shares.map { $0 == 0 ? 0 : max(pointsPerNode / 4, $0 * pointsMax / total) }
    }

    /// The node of the first point at or behind `hash` whose node is eligible; at the end, the ring
    /// begins anew. Without one node the ring is the same, but for the points of that node: passing
    /// over it is as good as having removed it.
    func owner(
        of hash: UInt32, among candidates: Span<Candidate>, _ eligibility: Eligibility
    ) -> Int? {
        var position = firstPosition(from: hash)
        for _ in 0..<points.count {
            if position == points.count { position = 0 }
            let node = Int(points[position].node)
            if eligibility.admits(candidates[node], at: node) { return node }
            position += 1
        }
        return nil
    }

    /// The node of a key when all are there.
    func node(of hash: UInt32) -> Int? {
        guard !points.isEmpty else { return nil }
        let position = firstPosition(from: hash)
        return Int(points[position == points.count ? 0 : position].node)
    }

    private func firstPosition(from hash: UInt32) -> Int {
        var position = Int(starts[Int(hash >> startShift)])
        while position < points.count, points[position].hash < hash { position += 1 }
        return position
    }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    b == 0 ? a : greatestCommonDivisor(b, a % b)
}

/// The ring of one service, which is made when the first route asks for it, and then shared.
final class SharedRing: Sendable {
    private let nodes: [(name: String, weight: UInt32)]
    private let made = Mutex<HashRing?>(nil)

    init(_ nodes: [(name: String, weight: UInt32)]) {
        self.nodes = nodes
    }

    var ring: HashRing {
        made.withLock { made in
            if let made { return made }
            let ring = HashRing(nodes)
            made = ring
            return ring
        }
    }
}
