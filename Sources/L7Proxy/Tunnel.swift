import ProxyCore

/// What only a tunnel needs, or a request that may become one: apart, so that the many clients
/// that never open one hold no room for it.
final class Tunnel {
    /// What the 101 has to say.
    let expected: UpgradeExpectation
    /// Non-nil exactly while this is a WebSocket.
    var webSocket: WebSocketTunnel?
    /// Non-nil exactly while it is open, does not outlive its backend's place in the configuration,
    /// and has not been told so yet.
    var endsWithBackend: TunnelHome?
    /// What it has carried towards the backend.
    var upByteCount: UInt64 = 0

    init(expecting expected: UpgradeExpectation) {
        self.expected = expected
    }
}
