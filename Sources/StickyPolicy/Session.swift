/// Who has a session: a client address, cut to its prefix, at a service.
@frozen
public struct SessionKey: Hashable, Sendable {
    /// Stable hash of the service's name.
    public let service: UInt64
    public let address: IPAddress

    public init(service: UInt64, address: IPAddress) {
        self.service = service
        self.address = address
    }
}

/// The time, and how long a session may be idle.
@frozen
public struct IdleTime: Equatable, Sendable {
    /// Seconds of a monotonic clock. It may wrap around, and may be a little behind another
    /// worker's.
    public let now: UInt32
    /// Seconds, at most a day.
    public let timeout: UInt32

    public init(now: UInt32, timeout: UInt32) {
        self.now = now
        self.timeout = timeout
    }
}

/// One live session, as a listing shows it.
public struct Session: Equatable, Sendable {
    public let key: SessionKey
    /// Stable hash of the backend's name.
    public let backend: UInt64
    /// Seconds until it ends if no request comes; the whole time while a tunnel holds it.
    public let secondsLeft: UInt32
    /// Open tunnels.
    public let holds: UInt32
}
