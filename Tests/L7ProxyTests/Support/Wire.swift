import Glibc
import Synchronization

/// Why a wait of a test came to nothing. What had come until then is part of the answer: a test
/// that fails should show it.
enum WireError: Error {
    case late(waitingFor: String, received: String)
    case ended(waitingFor: String, received: String)
    case failed(call: String, code: Int32)
    case unexpected(String)
}

/// What a script expects. Inside its thread a failed `#expect` would not know its test.
func demand(_ condition: Bool, _ what: String) throws(WireError) {
    if !condition { throw .unexpected(what) }
}

/// One end of a TCP connection, client's or backend's: plain calls, each with a deadline, and a
/// record of every byte that came.
///
/// One thread drives it at a time; the record may be looked at by others.
final class Wire: Sendable {
    /// How the other side ended the connection.
    enum Ending: Sendable, Equatable {
        /// FIN.
        case closed
        /// RST.
        case reset
    }

    /// A minute: no wait of a passing test comes near it, also on a machine that is very busy.
    static let patience = Duration.seconds(60)

    private struct State {
        var isOpen = true
        var received: [UInt8] = []
        /// How much of `received` was read by the test.
        var readCount = 0
        var messages: [Message] = []
    }

    private let descriptor: Int32
    private let state = Mutex(State())
    /// Whatever has to live as long as this end does: the proxy behind it.
    private let owner: (any AnyObject & Sendable)?

    init(adopting descriptor: Int32, owner: (any AnyObject & Sendable)? = nil) {
        self.descriptor = descriptor
        self.owner = owner
        let flags = fcntl(descriptor, F_GETFL)
        _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
        set(TCP_NODELAY, 1, level: Int32(IPPROTO_TCP))
    }

    deinit {
        close()
    }

    // MARK: - Sending

    func send(_ text: String) throws(WireError) {
        try send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) throws(WireError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            rest = rest.dropFirst(try sendSome(rest))
            if !rest.isEmpty { try wait(for: POLLOUT, "room to send") }
        }
    }

    /// Sends until nobody takes any more for half a second, and answers how much was taken.
    func sendUntilBlocked(limit: Int) throws(WireError) -> Int {
        let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 64 * 1024)
        var count = 0
        while count < limit {
            count += try sendSome(piece[...])
            guard isReady(for: POLLOUT, within: .milliseconds(500)) else { return count }
        }
        return count
    }

    private func sendSome(_ bytes: ArraySlice<UInt8>) throws(WireError) -> Int {
        // SAFETY: the slice's own memory and count, for the length of the call.
        let count = unsafe bytes.withUnsafeBytes { bytes in
            unsafe Glibc.send(
                descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
        if count >= 0 { return count }
        guard errno == EAGAIN else { throw .failed(call: "send", code: errno) }
        return 0
    }

    // MARK: - Receiving

    /// Everything that has come, read by the test or not.
    var received: [UInt8] { state.withLock { $0.received } }

    var receivedText: String { String(decoding: received, as: UTF8.self) }

    /// Reads up to and with `end`.
    func read(until end: String) throws(WireError) -> String {
        let pattern = Array(end.utf8)
        while true {
            let unread = unread
            if let position = unread.firstIndex(of: pattern) {
                return String(decoding: take(position + pattern.count), as: UTF8.self)
            }
            guard try receiveMore("\(end.debugDescription)") == nil else {
                throw .ended(waitingFor: "\(end.debugDescription)", received: receivedText)
            }
        }
    }

    func read(exactly count: Int) throws(WireError) -> [UInt8] {
        while unread.count < count {
            guard try receiveMore("\(count) bytes") == nil else {
                throw .ended(waitingFor: "\(count) bytes", received: receivedText)
            }
        }
        return take(count)
    }

    /// Reads all that comes until the other side ends the connection.
    func readToEnd() throws(WireError) -> (text: String, ending: Ending) {
        while true {
            if let ending = try receiveMore("the end") {
                return (String(decoding: take(unread.count), as: UTF8.self), ending)
            }
        }
    }

    /// Whether neither a byte nor an end comes for a while.
    func isQuiet(for time: Duration) -> Bool {
        unread.isEmpty && !isReady(for: POLLIN, within: time)
    }

    /// Whether the connection breaks within this time: the other side has reset it.
    func isBroken(within time: Duration) -> Bool {
        isReady(for: 0, within: time)
    }

    var unread: [UInt8] { state.withLock { Array($0.received[$0.readCount...]) } }

    private func take(_ count: Int) -> [UInt8] {
        state.withLock { state in
            let start = state.readCount
            state.readCount += count
            return Array(state.received[start..<start + count])
        }
    }

    /// One receive; nil unless the other side has ended the connection.
    private func receiveMore(_ what: String) throws(WireError) -> Ending? {
        try wait(for: POLLIN, what)
        var space = [UInt8](repeating: 0, count: 64 * 1024)
        // SAFETY: the array's own memory and count, for the length of the call.
        let count = unsafe space.withUnsafeMutableBytes { space in
            unsafe recv(descriptor, space.baseAddress, space.count, 0)
        }
        if count == 0 { return .closed }
        guard count > 0 else {
            switch errno {
            case EAGAIN: return nil
            case ECONNRESET, EPIPE: return .reset
            default: throw .failed(call: "recv", code: errno)
            }
        }
        state.withLock { $0.received += space[..<count] }
        return nil
    }

    // MARK: - Messages

    /// The messages that `readMessage` has read.
    var messages: [Message] { state.withLock { $0.messages } }

    func note(_ message: Message) {
        state.withLock { $0.messages.append(message) }
    }

    // MARK: - Ending

    /// FIN: this side sends no more, and may still read.
    func finishSending() {
        _ = shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Ends both directions; a thread that waits for this wire wakes.
    func interrupt() {
        state.withLock { state in
            if state.isOpen { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    func close() {
        state.withLock { state in
            if state.isOpen { _ = Glibc.close(descriptor) }
            state.isOpen = false
        }
    }

    /// RST.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        let size = socklen_t(MemoryLayout<linger>.size)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, size)
        close()
    }

    func set(_ option: Int32, _ value: Int32, level: Int32 = SOL_SOCKET) {
        var value = value
        let size = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe setsockopt(descriptor, level, option, &value, size)
    }

    /// The last byte of the other side's address: 2 for 127.0.0.2.
    var peerNumber: Int {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // SAFETY: the kernel writes at most one `sockaddr_in`, which is what the pointer shows and
        // the length says.
        let code = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe getpeername(descriptor, pointer, &length)
            }
        }
        return code == 0 ? Int(UInt32(bigEndian: address.sin_addr.s_addr) & 0xFF) : 0
    }

    // MARK: - Waiting

    private func wait(for event: Int32, _ what: String) throws(WireError) {
        guard isReady(for: event, within: Wire.patience) else {
            throw .late(waitingFor: what, received: receivedText)
        }
    }

    private func isReady(for event: Int32, within time: Duration) -> Bool {
        waitForDescriptor(descriptor, event, within: time)
    }
}

/// Whether the descriptor becomes ready, or fails, in time.
func waitForDescriptor(_ descriptor: Int32, _ event: Int32, within time: Duration) -> Bool {
    let end = ContinuousClock.now + time
    while true {
        let rest = max(.zero, end - .now)
        let milliseconds = Int32(rest / .milliseconds(1) + 0.999)
        var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        let count = unsafe poll(&entry, 1, milliseconds)
        if count > 0 { return true }
        if count == 0 || errno != EINTR { return false }
    }
}

extension [UInt8] {
    func firstIndex(of pattern: [UInt8], from start: Int = 0) -> Int? {
        guard count >= start + pattern.count else { return nil }
        return (start...(count - pattern.count)).first { position in
            self[position] == pattern[0]
                && self[position..<position + pattern.count].elementsEqual(pattern)
        }
    }
}
