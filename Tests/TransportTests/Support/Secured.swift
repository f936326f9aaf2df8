import Testing

@testable import Transport

/// A server and a client in one loop with TLS between them.
final class Secured {
    let loop: EventLoop
    let server: Connection
    let client: Connection
    let serverRecorder = Recorder()
    let clientRecorder = Recorder()
    private var between: Pieces?

    /// - Parameter pieceSize: of what the client says arrive so many bytes at a time; nil for all.
    init(
        _ serverContext: TLSServerContext, _ clientContext: TLSClientContext,
        resuming resumption: TLSResumption = TLSResumption(), pieceSize: Int? = nil
    ) throws {
        loop = try EventLoop()
        var (near, far) = try tcpPair()
        if let pieceSize {
            let (accepted, dialled) = try tcpPair()
            between = Pieces(of: pieceSize, from: accepted, to: far)
            far = dialled
        }
        server = try Connection.adopt(near.socket.duplicate(), loop: loop)
        client = try Connection.adopt(far.socket.duplicate(), loop: loop)
        near.close()
        far.close()
        server.handler = serverRecorder
        client.handler = clientRecorder
        server.startTLS(try serverContext.makeSession())
        client.startTLS(
            try clientContext.makeSession(to: loopback(port: 1), resuming: resumption))
    }

    /// Turns until both handshakes have come to an end, good or bad.
    func shakeHands() {
        turn(loop) {
            between?.pass()
            return !server.isConnecting && !client.isConnecting
        }
    }

    /// What one side receives until there are `count` bytes or an end.
    func receive(_ count: Int, at connection: Connection) -> (bytes: [UInt8], end: IOResult?) {
        var all: [UInt8] = []
        var end: IOResult?
        turn(loop) {
            while all.count < count, end == nil {
                var space = [UInt8](repeating: 0, count: 65_536)
                let result = unsafe space.withUnsafeMutableBytes {
                    unsafe connection.receive(into: $0)
                }
                switch result {
                case .bytes(let received): all += space[..<received]
                case .wouldBlock: return false
                case .endOfStream, .failed: end = result
                }
            }
            return true
        }
        return (all, end)
    }

    func close() {
        server.close()
        client.close()
        between?.close()
    }
}

/// Between a client and a server: passes on a piece of what the client has said, and all that the
/// server has.
private final class Pieces {
    private let size: Int
    private let client: Peer
    private let server: Peer
    private var waiting: [UInt8] = []

    init(of size: Int, from client: Peer, to server: Peer) {
        self.size = size
        self.client = client
        self.server = server
    }

    func pass() {
        waiting += client.readBytes() ?? []
        _ = server.write(Array(waiting.prefix(size)))
        waiting.removeFirst(min(size, waiting.count))
        _ = client.write(server.readBytes() ?? [])
    }

    func close() {
        client.close()
        server.close()
    }
}

/// Contexts for what most tests need.
enum TestTLS {
    static func server(
        _ change: (inout TLSServerSettings) -> Void = { _ in }
    ) throws -> TLSServerContext {
        var settings = TLSServerSettings(ticketKeys: TLSTicketKeys())
        change(&settings)
        let entries: [TLSServerContext.Entry] = [
            (try TLSCertificate(certificates: TestPEM.aCertificate, key: TestPEM.aKey), nil),
            (try TLSCertificate(certificates: TestPEM.bCertificate, key: TestPEM.bKey), nil),
        ]
        return try TLSServerContext(settings, entries: entries)
    }

    static func client(
        _ name: String? = "a.test", trusting authorities: [UInt8] = TestPEM.aCertificate,
        _ change: (inout TLSClientSettings) -> Void = { _ in }
    ) throws -> TLSClientContext {
        var settings = TLSClientSettings()
        settings.serverName = name
        settings.authorities = authorities
        change(&settings)
        return try TLSClientContext(settings)
    }
}
