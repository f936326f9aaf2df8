import HTTPParser
import ProxyCore
import StickyPolicy
import Transport

/// A new connection whose first bytes are a PROXY header, until that has been read.
///
/// The header is looked at and taken out of the socket only when it is whole, so that whatever
/// follows begins with an untouched connection. It owns the connection until it hands it on.
final class ProxyArrival: ConnectionHandler {
    let connection: Connection
    /// The connection's own ends: they hold when the header names none.
    let own: ClientOrigin
    private let buffers: LoopBuffers
    /// Told how it ended: with a client, or with nothing that could be one.
    private let onEnd: (ProxyArrival, ClientOrigin?) -> Void

    init(
        _ connection: Connection, own: ClientOrigin, buffers: LoopBuffers,
        onEnd: @escaping (ProxyArrival, ClientOrigin?) -> Void
    ) {
        self.connection = connection
        self.own = own
        self.buffers = buffers
        self.onEnd = onEnd
    }

    func connectionReady(_ connection: Connection) {
        switch buffers.peek(at: connection, atMost: ProxyProtocolParser.bytesMax) {
        case .nothing: break
        case .endOfStream, .failed: onEnd(self, nil)
        case .bytes: read()
        }
    }

    func connectionDeadlinePassed(_ connection: Connection) {
        onEnd(self, nil)
    }

    private func read() {
        do throws(ProxyProtocolError) {
            let header = try buffers.withInput { bytes throws(ProxyProtocolError) in
                try client(from: bytes)
            }
            guard let header else { return }
            buffers.drop(header.byteCount, of: connection)
            onEnd(self, header.client)
        } catch {
            onEnd(self, nil)
        }
    }

    private func client(
        from bytes: Span<UInt8>
    ) throws(ProxyProtocolError) -> (byteCount: Int, client: ClientOrigin)? {
        guard let header = try ProxyProtocolParser.parse(bytes) else { return nil }
        guard let endpoints = header.endpoints else { return (header.byteCount, own) }
        guard let peer = ProxiedPeer(endpoints, in: bytes) else { throw .malformed }
        let client = ClientOrigin(
            peer: peer.address, localPort: peer.localPort, listener: own.listener)
        return (header.byteCount, client)
    }
}

/// Where a client connection comes from and has come to, as far as backends are told.
struct ClientOrigin {
    var peer: IPAddress
    var localPort: UInt16
    /// Where it is counted.
    let listener: ListenerLoad
}
