import HTTPParser
import Synchronization

/// The lines of one worker, on their way to the writer.
final class LogFeed: Sendable {
    let ring = LineRing()
    private let bell: LogBell
    private let dropped = Atomic<Int>(0)

    init(bell: LogBell) {
        self.bell = bell
    }

    /// Lines that found no room, ever.
    var droppedCount: Int { dropped.load(ordering: .relaxed) }

    /// On the worker's thread: hands on a line, or drops it. It never waits.
    func put(_ line: Span<UInt8>) {
        if ring.put(line) {
            bell.ringIfAsleep()
        } else {
            drop()
        }
    }

    /// A line that could not be written down whole.
    func drop() {
        dropped.wrappingAdd(1, ordering: .relaxed)
    }
}
