internal import CLinux
internal import Glibc

/// What the kernel says about a descriptor.
struct ReadyEvents: OptionSet {
    let rawValue: UInt32

    static let readable = ReadyEvents(rawValue: CLINUX_EPOLL_READABLE)
    static let writable = ReadyEvents(rawValue: CLINUX_EPOLL_WRITABLE)
    /// The peer has said that it sends nothing more.
    static let peerClosed = ReadyEvents(rawValue: CLINUX_EPOLL_PEER_CLOSED)
    /// Both directions are at their end.
    static let hungUp = ReadyEvents(rawValue: CLINUX_EPOLL_HANG_UP)
    static let error = ReadyEvents(rawValue: CLINUX_EPOLL_ERROR)
    /// Tell each change once, and not as long as it lasts.
    static let edge = ReadyEvents(rawValue: CLINUX_EPOLL_EDGE)
}

/// The kernel's list of what we watch, and room for what it has to tell.
@safe
struct Epoll: ~Copyable {
    private let descriptor: Int32
    private let events: UnsafeMutablePointer<clinux_event>
    /// 512 events a wait are 6 KB, and one wait then serves a busy loop's whole turn.
    private static let eventCountMax = 512

    init() throws(SystemError) {
        descriptor = clinux_epoll_create()
        guard descriptor >= 0 else { throw .last("epoll_create1") }
        unsafe events = .allocate(capacity: Self.eventCountMax)
        unsafe events.initialize(
            repeating: clinux_event(events: 0, token: 0), count: Self.eventCountMax)
    }

    deinit {
        unsafe events.deallocate()
        _ = Glibc.close(descriptor)
    }

    /// A descriptor that is closed leaves by itself, unless a duplicate of it stays open.
    func add(
        _ watched: Int32, _ events: ReadyEvents, token: EventToken
    ) throws(SystemError) {
        let result = clinux_epoll_add(descriptor, watched, events.rawValue, token.rawValue)
        guard result == 0 else { throw .last("epoll_ctl") }
    }

    func modify(
        _ watched: Int32, _ events: ReadyEvents, token: EventToken
    ) throws(SystemError) {
        let result = clinux_epoll_modify(descriptor, watched, events.rawValue, token.rawValue)
        guard result == 0 else { throw .last("epoll_ctl") }
    }

    func remove(_ watched: Int32) {
        // It fails only for what is not watched, which is then as wanted.
        _ = clinux_epoll_remove(descriptor, watched)
    }

    /// Waits at most so long; -1 is for ever. Answers how many events there are, 0 also when a
    /// signal came.
    func wait(milliseconds: Int32) -> Int {
        // SAFETY: `events` has room for as many as are asked for.
        let count = unsafe clinux_epoll_wait(
            descriptor, events, Int32(Self.eventCountMax), milliseconds)
        // Anything but an interruption means that the descriptor is not what we made it.
        precondition(count >= 0 || errno == EINTR, "epoll_wait failed")
        return max(0, Int(count))
    }

    /// One of the events of the last wait.
    subscript(index: Int) -> (events: ReadyEvents, token: EventToken) {
        precondition(index < Self.eventCountMax)
        let event = unsafe events[index]
        return (ReadyEvents(rawValue: event.events), EventToken(rawValue: event.token))
    }
}
