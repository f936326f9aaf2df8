/// Why bytes are no PROXY header. There is nobody to tell: the connection is closed.
public enum ProxyProtocolError: Error, Equatable, Sendable {
    /// Neither version's first bytes.
    case noSignature
    /// The header breaks a rule of its version.
    case malformed
    /// Longer than version 1 can be, or than we read of version 2.
    case tooLong
}

/// An address of a PROXY header. Version 1 writes text, which stays where it is.
public enum ProxyProtocolAddress: Equatable, Sendable {
    case v4Text(ByteRange)
    case v6Text(ByteRange)
    case v4(UInt32)
    /// The bytes 0...7 and 8...15, each read as a number.
    case v6(high: UInt64, low: UInt64)
}

/// The two ends of the connection that a PROXY header speaks for.
public struct ProxyProtocolEndpoints: Equatable, Sendable {
    public var source: ProxyProtocolAddress
    public var destination: ProxyProtocolAddress
    public var sourcePort: UInt16
    public var destinationPort: UInt16

    public init(
        source: ProxyProtocolAddress, destination: ProxyProtocolAddress, sourcePort: UInt16,
        destinationPort: UInt16
    ) {
        self.source = source
        self.destination = destination
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
    }
}

/// What a PROXY header says.
public struct ProxyProtocolHeader: Equatable, Sendable {
    /// Where the header ends and the client's own bytes begin.
    public var byteCount: Int
    /// Nil when the sender speaks for itself or does not know: the connection's own ends hold.
    public var endpoints: ProxyProtocolEndpoints?

    public init(byteCount: Int, endpoints: ProxyProtocolEndpoints?) {
        self.byteCount = byteCount
        self.endpoints = endpoints
    }
}
