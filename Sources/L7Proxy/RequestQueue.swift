import Transport

/// One worker's requests that wait for a place at a backend, in the order of their coming.
struct RequestQueue {
    private struct Entry {
        /// What the request waits for.
        let load: BoundedCount
        /// It may also go where another backend has a place.
        let isFree: Bool
        /// Of its client; the handler is called when it is worth trying.
        let connection: Connection
    }

    private var entries: [Entry] = []

    mutating func append(_ connection: Connection, for load: BoundedCount, isFree: Bool) {
        entries.append(Entry(load: load, isFree: isFree, connection: connection))
    }

    mutating func remove(_ connection: Connection) {
        entries.removeAll { $0.connection === connection }
    }

    /// Whether nobody waits for this before the connection; for one that is not in the queue,
    /// whether nobody waits at all.
    func isFirst(_ connection: Connection, for load: BoundedCount) -> Bool {
        guard let first = entries.first(where: { $0.load === load }) else { return true }
        return first.connection === connection
    }

    /// Who should hear that there is a place.
    func next(for load: BoundedCount) -> Connection? {
        entries.first { $0.load === load || $0.isFree }?.connection
    }
}
