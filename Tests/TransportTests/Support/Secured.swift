import Testing

@testable import Transport

/// A server and a client in one loop with TLS between them.
final class Secured {
    let loop: EventLoop
    let server: Connection
    let client: Connection
    let serverRecorder = Recorder()
    let clientRecorder = Recorder()

    init(
        _ serverContext: TLSServerContext, _ clientContext: TLSClientContext,
        resuming resumption: TLSResumption = TLSResumption()
    ) throws {
        loop = try EventLoop()
        let (near, far) = try tcpPair()
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
        turn(loop) { !server.isConnecting && !client.isConnecting }
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
