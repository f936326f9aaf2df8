/// Client keys that were drawn, and belong to other backends than the one that needed one: a few
/// for each, so that a key is not drawn in vain.
///
/// Any key was as likely as another, and whose it is depends on names and weights, which do not
/// change while their selector lives: a kept key is as good as a fresh one. Each is given out once.
struct SpareKeys: Sendable {
    private let backendCount: Int
    /// A row of keys for each backend; empty until the first comes.
    private var keys: [UInt64] = []
    private var counts: [UInt8] = []

    /// 64 bytes for each backend.
    static var countMax: Int { 8 }

    init(backendCount: Int) {
        self.backendCount = backendCount
    }

    /// Keeps a key, unless there are enough.
    mutating func keep(_ key: UInt64, of backend: Int) {
        if keys.isEmpty {
            keys = Array(repeating: 0, count: backendCount * Self.countMax)
            counts = Array(repeating: 0, count: backendCount)
        }
        let count = Int(counts[backend])
        guard count < Self.countMax else { return }
        keys[backend * Self.countMax + count] = key
        counts[backend] = UInt8(count + 1)
    }

    /// The key that was kept last; nil when there is none.
    mutating func take(of backend: Int) -> UInt64? {
        guard !counts.isEmpty, counts[backend] > 0 else { return nil }
        counts[backend] -= 1
        return keys[backend * Self.countMax + Int(counts[backend])]
    }
}
