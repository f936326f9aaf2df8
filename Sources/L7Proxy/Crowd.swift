import Transport

/// Why new clients wait.
enum Shortage: Sendable {
    /// All places of the process are taken, or all of the listener.
    case connections, listener
    case memory
}

/// Clients wait at a listener, and those who have places should make room.
struct PlacesWanted: Sendable {
    /// How many of one worker's clients.
    var count: Int
    /// Nil when clients of any listener will do.
    var listener: ListenerLoad?

    /// 2 s: who has just connected may be far away, or busy, and would see a close as a failure.
    static let firstSilence: UInt64 = 2_000_000_000
}

/// Clients wait, and there were not enough silent ones: so many others end with their next answer
/// (`Connection: close`), and come back behind those who wait. Nothing is lost by that, as it would
/// be by a close between two requests, which the next one may cross.
struct Crowd {
    private var wanted: PlacesWanted
    private let end: MonotonicTime

    /// 30 ms: while clients wait, it is made anew every 10 ms.
    private static let duration: UInt64 = 30_000_000

    init(_ wanted: PlacesWanted, at now: MonotonicTime) {
        self.wanted = wanted
        end = now.advanced(byNanoseconds: Crowd.duration)
    }

    /// Whether a client of this listener makes room.
    mutating func takesPlace(from listener: ListenerLoad) -> Bool {
        guard wanted.listener == nil || wanted.listener === listener else { return false }
        wanted.count -= 1
        return true
    }

    func isOver(at now: MonotonicTime) -> Bool {
        wanted.count <= 0 || now >= end
    }
}
