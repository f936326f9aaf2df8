import HTTPParser
import Logging
import Transport

/// The thread that writes the access log: it gathers the workers' lines and writes them in
/// batches. It alone waits for disks and pipes.
///
/// What cannot be written now is kept, first here and then with the workers, and tried again; when
/// their room is full, they drop lines and count them.
final class AccessLogWriter {
    private let desk: LogDesk
    private let log: Logger
    private var orders = LogDesk.Orders()
    private var file: LogFile?
    /// Whole lines, and how much of them was written.
    private var batch = ByteWriter(capacity: 128 * 1024)
    private var writtenCount = 0
    /// Why lines wait, to be said when some were dropped.
    private var trouble = "there were more lines than could be written"
    private var errorSaidAt: MonotonicTime?
    private var dropsSaidAt: MonotonicTime?
    private var saidDropCount = 0
    private var end: MonotonicTime?

    /// 16: some 2 MiB between two looks at the orders.
    private static let batchesPerTurn = 16
    /// 20 ms: lines that come at the same time are written together.
    private static let nap = Duration.milliseconds(20)
    /// A second until a file that cannot be opened or written is tried again, and as long to write
    /// what is left when the process ends.
    private static let patience = Duration.seconds(1)
    /// 10 s between two lines of the log about the same thing.
    private static let sayingInterval = Duration.seconds(10)

    init(_ desk: LogDesk, log: Logger) {
        self.desk = desk
        self.log = log
    }

    private enum State {
        case idle
        /// There is more to write; somebody may have to be obeyed first.
        case busy
        /// The file takes nothing: a pipe is full.
        case full
        case failed
    }

    func run() {
        while true {
            obey()
            let state = writeLines()
            let isOver = orders.stops && (state == .idle || MonotonicTime.now() >= (end ?? .now()))
            if isOver { break }
            sayDrops()
            rest(state)
        }
        giveUp()
        sayDrops(isLast: true)
        desk.writerEnds()
    }

    private func obey() {
        guard let new = desk.takeOrders() else { return }
        if new.stops, end == nil { end = .now() + AccessLogWriter.patience }
        if new.path != orders.path {
            // Lines from before belong where they were meant to go, if that is still possible.
            if file != nil { _ = writeLines() }
            dropPartOfLine()
            file = nil
        } else if new.reopens {
            dropPartOfLine()
            file = nil
        }
        orders = new
        openIfNeeded()
    }

    private func rest(_ state: State) {
        switch state {
        case .busy: break
        case .idle:
            let time = desk.droppedCount > saidDropCount ? AccessLogWriter.sayingInterval : nil
            desk.bell.sleep(atMost: time) { !desk.feeds.allSatisfy(\.ring.isEmpty) }
            if !orders.stops { desk.bell.pause(atMost: AccessLogWriter.nap) }
        case .full:
            desk.bell.pause(atMost: AccessLogWriter.patience, forRoomIn: file?.waitable)
        case .failed:
            desk.bell.pause(atMost: AccessLogWriter.patience)
        }
    }

    // MARK: - Writing

    /// Where lines come as fast as they are written, it stops in between: orders are obeyed, and
    /// what was dropped is said.
    private func writeLines() -> State {
        guard let path = orders.path else { return discardLines() }
        var batchCount = 0
        while true {
            if writtenCount == batch.count {
                gather()
                batchCount += 1
            }
            guard batch.count > 0 else { return .idle }
            guard batchCount <= AccessLogWriter.batchesPerTurn else { return .busy }
            if let file, file.isRemoved || orders.follows && file.isReplaced(at: path) {
                dropPartOfLine()
                self.file = nil
                continue
            }
            openIfNeeded()
            guard let file else { return .failed }
            // SAFETY: the span's own memory, for the length of the call.
            let outcome = batch.withBytes { bytes in
                unsafe bytes.extracting(writtenCount...).withUnsafeBytes { unsafe file.write($0) }
            }
            switch outcome {
            case .wrote(let count): writtenCount += count
            case .full:
                trouble = "nobody reads what is written"
                return .full
            case .failed(let error):
                say("the access log cannot be written: \(error)")
                // The rest of a line is of use only behind its beginning.
                if !file.isRegular {
                    dropPartOfLine()
                    self.file = nil
                }
                return .failed
            }
        }
    }

    private func gather() {
        batch.removeAll()
        writtenCount = 0
        for feed in desk.feeds { feed.ring.take(into: &batch) }
    }

    /// Lines of exchanges that began before the log was turned off.
    private func discardLines() -> State {
        repeat { gather() } while batch.count > 0
        return .idle
    }

    private func openIfNeeded() {
        guard file == nil, let path = orders.path else { return }
        do throws(SystemError) {
            file = try LogFile(path: path)
        } catch {
            say("the access log \(path) cannot be opened: \(error)")
        }
    }

    /// A line that another file has the beginning of is lost.
    private func dropPartOfLine() {
        let rest = batch.withBytes { bytes -> Int in
            guard writtenCount > 0, writtenCount < bytes.count, bytes[writtenCount - 1] != 0x0A
            else { return 0 }
            var end = writtenCount
            while end < bytes.count, bytes[end] != 0x0A { end += 1 }
            return min(end + 1, bytes.count) - writtenCount
        }
        guard rest > 0 else { return }
        writtenCount += rest
        desk.lose(1)
    }

    /// The process ends, and nobody will take what is left.
    private func giveUp() {
        dropPartOfLine()
        repeat {
            let count = batch.withBytes { bytes in
                (writtenCount..<bytes.count).count { bytes[$0] == 0x0A }
            }
            desk.lose(count)
            gather()
        } while batch.count > 0
    }

    // MARK: - Saying

    private func say(_ text: String) {
        trouble = text
        let now = MonotonicTime.now()
        if let errorSaidAt, now < errorSaidAt + AccessLogWriter.sayingInterval { return }
        errorSaidAt = now
        log.error("\(text)")
    }

    private func sayDrops(isLast: Bool = false) {
        let count = desk.droppedCount
        guard count > saidDropCount else { return }
        let now = MonotonicTime.now()
        if !isLast, let dropsSaidAt, now < dropsSaidAt + AccessLogWriter.sayingInterval { return }
        dropsSaidAt = now
        log.warning("the access log has lost \(count - saidDropCount) lines: \(trouble)")
        saidDropCount = count
    }
}
