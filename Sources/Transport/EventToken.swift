/// What the kernel keeps for us beside a descriptor: a slot, and which of its tenants is meant.
///
/// An event can outlive its source: the source closes while later events of the same turn wait.
/// The slot's generation then no longer matches, and the event is skipped.
struct EventToken: Equatable {
    let rawValue: UInt64

    /// No source has it.
    static var none: EventToken { EventToken(slot: .max, generation: .max) }
    /// The loop's own mailbox.
    static var mailbox: EventToken { EventToken(slot: .max, generation: 0) }

    init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    init(slot: UInt32, generation: UInt32) {
        rawValue = UInt64(generation) << 32 | UInt64(slot)
    }

    var slot: Int { Int(UInt32(truncatingIfNeeded: rawValue)) }
    var generation: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }
}
