/// The sources of a loop by number. It owns them; a token of a former tenant finds nobody.
struct SlotTable {
    private struct Slot {
        var source: EventSource?
        /// Counts the tenants. After 2^32 of them it begins again, which no event lives to see.
        var generation: UInt32
    }

    private var slots: [Slot] = []
    private var free: [UInt32] = []

    var count: Int { slots.count - free.count }

    mutating func insert(_ source: EventSource) -> EventToken {
        if let slot = free.popLast() {
            slots[Int(slot)].source = source
            return EventToken(slot: slot, generation: slots[Int(slot)].generation)
        }
        slots.append(Slot(source: source, generation: 0))
        return EventToken(slot: UInt32(slots.count - 1), generation: 0)
    }

    /// Gives the source back to the caller, who keeps it alive as long as it must be.
    mutating func remove(_ token: EventToken) -> EventSource? {
        guard let source = source(for: token) else { return nil }
        slots[token.slot].source = nil
        slots[token.slot].generation &+= 1
        // Descriptor numbers bound the slots far below 2^32.
        free.append(UInt32(truncatingIfNeeded: token.slot))
        return source
    }

    func source(for token: EventToken) -> EventSource? {
        guard token.slot < slots.count, slots[token.slot].generation == token.generation
        else { return nil }
        return slots[token.slot].source
    }

    func source(at slot: Int) -> EventSource? {
        slot < slots.count ? slots[slot].source : nil
    }
}
