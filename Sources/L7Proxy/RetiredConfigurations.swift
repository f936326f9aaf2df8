import Transport

/// Configurations that are no longer in use, until the last exchange that began with one is over.
///
/// They are freed on the thread that owns this value: a hundred thousand objects are, and a worker
/// would serve nobody meanwhile.
struct RetiredConfigurations {
    private var snapshots: [ConfigSnapshot] = []
    /// Memory was freed that the allocator keeps.
    private var hasGarbage = true

    mutating func add(_ snapshot: ConfigSnapshot) {
        clear()
        snapshots.append(snapshot)
        hasGarbage = true
    }

    /// Frees what nobody uses any more, and gives the kernel back what the allocator keeps of it.
    mutating func clear() {
        let before = snapshots.count
        // Nobody can come by a snapshot any more that this value alone holds.
        for position in snapshots.indices.reversed()
        where isKnownUniquelyReferenced(&snapshots[position]) {
            snapshots.remove(at: position)
        }
        guard hasGarbage || snapshots.count < before else { return }
        ProcessMemory.trim()
        hasGarbage = false
    }
}
