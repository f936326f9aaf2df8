import HTTPParser
import ProxyCore
import StickyPolicy
import Transport

/// What the client connections of one worker share: its loop and buffers, the configuration that
/// holds for new exchanges, chance and the time of day. It stays on the worker's thread.
final class WorkerContext {
    let loop: EventLoop
    let buffers: LoopBuffers
    var random: SplitMix64
    var configuration: WorkerConfiguration
    /// How many requests may be sent a second time.
    var retryBudget = RetryBudget()
    /// Requests that wait for a place at a backend, the first first.
    var queue = RequestQueue()
    /// Hears of every exchange when it is over.
    let observer: ExchangeObserver
    /// No exchange begins any more on a connection that has one: the process is about to end.
    var isDraining = false
    /// Non-nil while clients wait for places.
    var crowd: Crowd?
    // SAFETY: the worker owns the context and every connection that could call it.
    private unowned(unsafe) let owner: any ClientConnectionOwner

    init(
        loop: EventLoop, buffers: LoopBuffers, random: SplitMix64,
        configuration: WorkerConfiguration, observer: ExchangeObserver,
        owner: any ClientConnectionOwner
    ) {
        self.loop = loop
        self.buffers = buffers
        self.random = random
        self.configuration = configuration
        self.observer = observer
        unsafe self.owner = owner
    }

    /// A client connection has closed and lets go of its place.
    func clientConnectionClosed(at slot: Int) {
        unsafe owner.clientConnectionClosed(at: slot)
    }

    /// Whether a client of this listener is to end with its next answer, for others who wait.
    func takesPlace(from listener: ListenerLoad) -> Bool {
        guard crowd?.isOver(at: loop.now) == false else {
            crowd = nil
            return false
        }
        guard crowd?.takesPlace(from: listener) == true else { return false }
        unsafe owner.clientMakesRoom()
        return true
    }

    /// The clock for idle times.
    var monotonicSeconds: UInt32 {
        UInt32(truncatingIfNeeded: loop.now.nanoseconds / 1_000_000_000)
    }

    private var dateSecond: Int64 = -1
    private var cachedDateLine: [UInt8] = []

    /// The Date field line of this second, with its CRLF.
    var dateLine: [UInt8] {
        if loop.unixSeconds != dateSecond {
            dateSecond = loop.unixSeconds
            cachedDateLine = WorkerContext.makeDateLine(dateSecond)
        }
        return cachedDateLine
    }

    private static func makeDateLine(_ unixSeconds: Int64) -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.append("Date: ")
        CivilDate(unixSeconds: unixSeconds).appendIMFDate(to: &writer)
        writer.append("\r\n")
        return writer.copyBytes()
    }
}

/// Who keeps client connections alive, by the place it gave them.
protocol ClientConnectionOwner: AnyObject {
    /// A client ends with its next answer, for another one that waits.
    func clientMakesRoom()
    func clientConnectionClosed(at slot: Int)
}
