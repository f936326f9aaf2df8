import HTTPParser
import Transport

/// The memory that every event of one loop works in. Connections that wait hold none of it.
///
/// What a connection has left over from earlier and what its socket has now are laid behind each
/// other as the input, so that whoever reads sees one run of bytes.
@safe
final class LoopBuffers {
    /// 80 KiB a read: 64 KiB of a body, which is what many programs write at once, and its head.
    private static let readBytesMax = 80 * 1024
    /// 240 KiB a read of a body that has shown to be long: what is left of it fits a buffer of
    /// 256 KiB, framed anew, too. Small bodies gain nothing by it, and a client that does not read
    /// holds back so much.
    private static let flowingReadBytesMax = 240 * 1024
    /// What must have come of a body before it counts as long.
    static let flowingBytesMin = 64 * 1024
    /// Room for what we add to a head: forwarding fields, a cookie, framing.
    private static let headSlack = 16 * 1024

    private var storage: UnsafeMutableRawBufferPointer
    /// Bytes of the input that are valid.
    private(set) var inputCount = 0

    var output: ByteWriter
    var requestHead = RequestHead()
    var responseHead = ResponseHead()

    /// - Parameter headBytesMax: of requests and responses, the larger.
    init(headBytesMax: Int) {
        let capacity = LoopBuffers.inputCapacity(headBytesMax)
        unsafe storage = .allocate(byteCount: capacity, alignment: 64)
        output = ByteWriter(capacity: LoopBuffers.outputCapacity(headBytesMax))
    }

    /// Grows for a new limit. To be called between events: what the buffers held is gone.
    func fit(headsUpTo headBytesMax: Int) {
        let capacity = LoopBuffers.inputCapacity(headBytesMax)
        // Never smaller: connections keep what was read under the limit before.
        guard unsafe storage.count < capacity else { return }
        unsafe storage.deallocate()
        unsafe storage = .allocate(byteCount: capacity, alignment: 64)
        inputCount = 0
        output = ByteWriter(capacity: LoopBuffers.outputCapacity(headBytesMax))
    }

    /// A kept part is never longer than a head and what one read brought behind it.
    private static func inputCapacity(_ headBytesMax: Int) -> Int {
        headBytesMax + 2 * flowingReadBytesMax
    }

    /// A forwarded head names its authority twice; what came of the body follows it.
    private static func outputCapacity(_ headBytesMax: Int) -> Int {
        2 * headBytesMax + headSlack + inputCapacity(headBytesMax)
    }

    deinit {
        unsafe storage.deallocate()
    }

    enum Intake: Equatable {
        /// There are bytes to look at, and some of them are new.
        case bytes
        case nothing
        case endOfStream
        case failed
    }

    /// Lays out what `connection` has kept and, if that was seen before, one read of its socket.
    ///
    /// - Parameters:
    ///   - seen: how many of the kept bytes were looked at without result.
    ///   - isFlowing: a long body is on its way.
    func take(from connection: Connection, seen: Int, isFlowing: Bool = false) -> Intake {
        inputCount = connection.pendingByteCount
        if inputCount > 0 { copyPending(of: connection) }
        if inputCount > seen { return .bytes }
        guard connection.isReadable else { return .nothing }
        let wanted = isFlowing ? LoopBuffers.flowingReadBytesMax : LoopBuffers.readBytesMax
        let room = min(wanted, unsafe storage.count - inputCount)
        guard room > 0 else { return .failed }
        // SAFETY: within `storage`, which lives as long as `self`.
        let space = unsafe UnsafeMutableRawBufferPointer(
            rebasing: storage[inputCount..<inputCount + room])
        switch unsafe connection.receive(into: space) {
        case .bytes(let count):
            inputCount += count
            return .bytes
        case .wouldBlock: return .nothing
        case .endOfStream: return .endOfStream
        case .failed: return .failed
        }
    }

    /// Shows, as the input, bytes that stay in the socket.
    ///
    /// - Parameter most: bytes that are of interest.
    func peek(at connection: Connection, atMost most: Int) -> Intake {
        // SAFETY: within `storage`, which lives as long as `self`.
        let space = unsafe UnsafeMutableRawBufferPointer(
            rebasing: storage[..<min(most, storage.count)])
        inputCount = 0
        switch unsafe connection.peek(into: space) {
        case .bytes(let count):
            inputCount = count
            return .bytes
        case .wouldBlock: return .nothing
        case .endOfStream: return .endOfStream
        case .failed: return .failed
        }
    }

    /// Takes bytes out of the socket that `peek` has shown.
    func drop(_ count: Int, of connection: Connection) {
        // SAFETY: within `storage`; `peek` showed no more bytes than that.
        let space = unsafe UnsafeMutableRawBufferPointer(rebasing: storage[..<count])
        _ = unsafe connection.receive(into: space)
        inputCount = 0
    }

    private func copyPending(of connection: Connection) {
        guard let pending = connection.pending, unsafe storage.count >= inputCount else {
            preconditionFailure("more was kept than the input can hold")
        }
        // SAFETY: the room was tested; the two buffers are different allocations.
        unsafe pending.withUnsafeBytes { bytes in unsafe storage.copyMemory(from: bytes) }
    }

    /// Keeps the input from `offset` on with the connection, for the next time.
    func keep(from offset: Int, with connection: Connection) {
        let held = connection.pendingByteCount
        if held > 0 { connection.consumePending(held) }
        guard offset < inputCount else { return }
        // SAFETY: the valid part of `storage`; the connection copies it.
        let kept = unsafe connection.appendPending(
            UnsafeRawBufferPointer(rebasing: storage[offset..<inputCount]))
        precondition(kept, "the input is smaller than what a connection may keep")
    }

    /// Shows the valid input. The span is valid inside `body` only.
    func withInput<Result, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // SAFETY: the first `inputCount` bytes are initialised, and nothing writes to them inside
        // `body`: only `take` does, and it is never called there.
        let valid = unsafe UnsafeRawBufferPointer(rebasing: storage[..<inputCount])
        return try body(unsafe valid.bindMemory(to: UInt8.self).span)
    }

    /// A copy of the output in a buffer of the pool.
    func copyOutput(from pool: BufferPool) -> ByteBuffer {
        // Beyond the pool's largest, which only a very long head can be, a buffer of its own.
        let copy = pool.lease(capacity: output.count) ?? ByteBuffer(capacity: output.count)
        let fits = output.withBytes { bytes in
            // SAFETY: valid for the length of the closure; the buffer copies them.
            unsafe bytes.withUnsafeBytes { unsafe copy.append($0) }
        }
        precondition(fits)
        return copy
    }

    /// Copies a part of the input behind the output.
    func appendInput(_ range: Range<Int>) {
        withInput { bytes in output.append(bytes.extracting(range)) }
    }

    /// Sends a part of the input as it is.
    @discardableResult
    func sendInput(_ range: Range<Int>, on connection: Connection) -> SendResult {
        // SAFETY: bounds are checked by the slice; the connection copies what it cannot send now.
        unsafe connection.send(UnsafeRawBufferPointer(rebasing: storage[range]))
    }

    /// Sends all of the output.
    @discardableResult
    func sendOutput(on connection: Connection) -> SendResult {
        output.withBytes { bytes in connection.send(bytes) }
    }

    /// Sends all of the output and a part of the input behind it in one call.
    @discardableResult
    func sendOutput(andInput range: Range<Int>, on connection: Connection) -> SendResult {
        output.withBytes { head in
            unsafe head.withUnsafeBytes { head in
                // SAFETY: both are valid until the call returns; the connection copies the rest.
                unsafe connection.send(head, UnsafeRawBufferPointer(rebasing: storage[range]))
            }
        }
    }
}
