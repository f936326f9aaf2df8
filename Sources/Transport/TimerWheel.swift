/// Deadlines of numbered owners, in slots of 8.4 ms: pure, told the time, and nothing is allocated
/// when a deadline is set.
///
/// A deadline never comes early and at most one slot late. One that is further away than a
/// rotation (34 s) waits in its slot and is looked at once a rotation. Deadlines of different
/// slots come in their order, those of one slot in the order in which they were set.
package struct TimerWheel {
    /// 2^23 ns = 8.4 ms: shorter than any timeout worth setting, long enough that a loop with
    /// busy deadlines wakes at most 120 times a second for them.
    private static let tickShift: UInt64 = 23
    /// 4,096 slots are 34 s: most of the deadlines are looked at once or twice.
    private static let slotCount = 4096
    /// Behind the slots, a last list holds what is due and not yet taken.
    private static let dueList = slotCount

    /// A member of a circular list. The first `slotCount + 1` nodes are the heads of the lists.
    private struct Node {
        var previous: Int32
        var next: Int32
        /// The first tick whose beginning is not before the deadline.
        var tick: UInt64
    }

    private var nodes: [Node]
    /// One bit a slot: set exactly when the slot's list is not empty.
    private var occupied = [UInt64](repeating: 0, count: slotCount / 64)
    /// The last tick whose slot has been looked at.
    private var currentTick: UInt64
    /// No owner's tick and no slot to be looked at is before this.
    private var earliestTick = UInt64.max

    package init(now: MonotonicTime) {
        nodes = (0...Int32(Self.slotCount)).map { Node(previous: $0, next: $0, tick: 0) }
        currentTick = now.nanoseconds >> Self.tickShift
    }

    /// When `advance` is next worth calling; nil while nothing is set.
    package var nextVisit: MonotonicTime? {
        if isOccupied(Self.dueList) { return MonotonicTime(nanoseconds: 0) }
        if earliestTick == .max { return nil }
        return MonotonicTime(nanoseconds: earliestTick << Self.tickShift)
    }

    /// Sets the deadline of an owner, in place of an earlier one. Owners are small numbers,
    /// counted from 0.
    package mutating func arm(_ owner: Int, at deadline: MonotonicTime) {
        makeRoom(for: owner)
        let node = Self.node(of: owner)
        unlink(node)
        let mask = (UInt64(1) << Self.tickShift) - 1
        let tick = deadline.nanoseconds >> Self.tickShift
        let wanted = deadline.nanoseconds & mask == 0 ? tick : tick + 1
        // What has passed already comes with the next tick: this one has been looked at.
        nodes[node].tick = max(wanted, currentTick + 1)
        link(node, into: slot(of: nodes[node].tick))
        earliestTick = min(earliestTick, nodes[node].tick)
    }

    package mutating func cancel(_ owner: Int) {
        let node = Self.node(of: owner)
        guard node < nodes.count else { return }
        unlink(node)
    }

    /// Makes what is due ready for `popDue`.
    package mutating func advance(to now: MonotonicTime) {
        let target = now.nanoseconds >> Self.tickShift
        guard target > currentTick else { return }
        guard target >= earliestTick else {
            currentTick = target
            return
        }
        let visitCount = min(target - currentTick, UInt64(Self.slotCount))
        for offset in 1...visitCount {
            collect(slot(of: currentTick + offset), upTo: target)
        }
        currentTick = target
        earliestTick = nextOccupiedTick()
    }

    /// The next owner whose deadline has passed; it is then set no more.
    package mutating func popDue() -> Int? {
        let node = Int(nodes[Self.dueList].next)
        guard node != Self.dueList else { return nil }
        unlink(node)
        return node - Self.dueList - 1
    }
}

// Lists.
extension TimerWheel {
    private static func node(of owner: Int) -> Int { dueList + 1 + owner }

    private func slot(of tick: UInt64) -> Int { Int(tick & UInt64(Self.slotCount - 1)) }

    private func isOccupied(_ list: Int) -> Bool { nodes[list].next != Int32(list) }

    private mutating func makeRoom(for owner: Int) {
        while nodes.count <= Self.node(of: owner) {
            let alone = Int32(nodes.count)
            nodes.append(Node(previous: alone, next: alone, tick: 0))
        }
    }

    private mutating func link(_ node: Int, into list: Int) {
        let last = nodes[list].previous
        nodes[node].previous = last
        nodes[node].next = Int32(list)
        nodes[Int(last)].next = Int32(node)
        nodes[list].previous = Int32(node)
        if list < Self.slotCount { occupied[list >> 6] |= 1 << UInt64(list & 63) }
    }

    private mutating func unlink(_ node: Int) {
        let (previous, next) = (nodes[node].previous, nodes[node].next)
        nodes[Int(previous)].next = next
        nodes[Int(next)].previous = previous
        nodes[node].previous = Int32(node)
        nodes[node].next = Int32(node)
        // Right also for a node that was due: the bit only follows the slot's own list.
        let slot = slot(of: nodes[node].tick)
        if !isOccupied(slot) { occupied[slot >> 6] &= ~(1 << UInt64(slot & 63)) }
    }

    /// Moves what is due from a slot to the due list. What waits for a later rotation stays.
    private mutating func collect(_ slot: Int, upTo target: UInt64) {
        var node = Int(nodes[slot].next)
        while node != slot {
            let next = Int(nodes[node].next)
            if nodes[node].tick <= target {
                unlink(node)
                link(node, into: Self.dueList)
            }
            node = next
        }
    }

    /// The tick at which the next occupied slot is looked at.
    private func nextOccupiedTick() -> UInt64 {
        let first = slot(of: currentTick + 1)
        var word = first >> 6
        var bits = occupied[word] & (UInt64.max << UInt64(first & 63))
        // One step more than there are words: the first is seen again for its lower bits.
        for _ in 0...occupied.count {
            if bits != 0 {
                let slot = word << 6 + bits.trailingZeroBitCount
                let distance = (slot - first) & (Self.slotCount - 1)
                return currentTick + 1 + UInt64(distance)
            }
            word = (word + 1) % occupied.count
            bits = occupied[word]
        }
        return .max
    }
}
