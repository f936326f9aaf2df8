/// How long the proxy waits. Every wait of the data path is one of these.
package struct Timeouts: Sendable, Equatable {
    /// For a connection to a backend, TLS included: what a NodePort drops, it drops silently.
    package var connect = Duration.seconds(2)
    /// For a whole request head, from its first byte.
    package var requestHead = Duration.seconds(10)
    /// Between two bytes of a request body.
    package var requestBody = Duration.seconds(60)
    /// For the next request on a kept-alive client connection, and the first on a new one.
    package var clientIdle = Duration.seconds(75)
    /// Between two bytes that a client takes.
    package var clientWrite = Duration.seconds(60)
    /// Between two bytes of a backend's response, its first included.
    package var backendRead = Duration.seconds(60)
    /// Between two bytes that a backend takes.
    package var backendWrite = Duration.seconds(60)
    /// For which a pooled upstream connection is kept.
    package var backendIdle = Duration.seconds(60)
    /// For which a refused client may go on sending before the connection is cut.
    package var linger = Duration.seconds(5)
    /// Without a byte in either direction of a tunnel.
    package var tunnelIdle = Duration.seconds(3600)
    /// For the handshake of a client's TLS connection.
    package var tlsHandshake = Duration.seconds(10)
    /// For what is in flight when the proxy is told to stop.
    package var drain = Duration.seconds(30)
    /// Between the order to stop and the closing of the listeners: for load balancers in front to
    /// notice that no new connection is wanted.
    package var preStop = Duration.zero

    package init() {}
}

/// How much the proxy takes. 0 means no bound.
package struct Limits: Sendable, Equatable {
    package var requestHead = 32 * 1024
    package var requestTarget = 16 * 1024
    package var requestBody: UInt64 = 0
    package var responseHead = 64 * 1024
    /// Field lines of one head.
    package var headers = 128
    /// Client connections of the whole process.
    package var connections = 65_536
    /// Of one client address; an IPv6 client is its /64 network.
    package var connectionsPerClient = 0
    package var requestsPerConnection = 0
    /// Resident bytes of the process above which no connection is accepted.
    package var memory: UInt64 = 0
    /// TLS handshakes of clients under way at once, in the whole process. When there are more, the
    /// oldest makes room: it is the likeliest to be an attacker's.
    package var handshakes = 256

    package init() {}
}
