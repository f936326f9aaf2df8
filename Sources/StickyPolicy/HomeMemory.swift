/// Where keys belong that were asked about lately: a client that comes again and again costs no
/// look at every backend.
///
/// Direct-mapped: a key has one place, and the last one to be asked about there has it. Whoever can
/// choose keys can make others be computed again, and no more. It stays right for as long as its
/// selector lives: homes depend on names and weights, which a configuration does not change.
struct HomeMemory: Sendable {
    private struct Place {
        var key: UInt64 = 0
        /// Negative: nobody's.
        var home: Int32 = -1
    }

    /// Empty until the first key comes, and for few backends: asking those is as quick.
    private var places: [Place] = []
    private let isWorthwhile: Bool

    /// 1024 places: 16 KB for each service, for the clients that are busy at one time.
    private static var placeCount: Int { 1024 }

    init(backendCount: Int) {
        isWorthwhile = backendCount > 8 && backendCount < Int(Int32.max)
    }

    func home(of key: UInt64) -> Int? {
        guard !places.isEmpty else { return nil }
        let place = places[Int(truncatingIfNeeded: key) & (Self.placeCount - 1)]
        return place.key == key && place.home >= 0 ? Int(place.home) : nil
    }

    mutating func remember(_ home: Int, of key: UInt64) {
        guard isWorthwhile else { return }
        if places.isEmpty { places = Array(repeating: Place(), count: Self.placeCount) }
        places[Int(truncatingIfNeeded: key) & (Self.placeCount - 1)] =
            Place(key: key, home: Int32(home))
    }
}
