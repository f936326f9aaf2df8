import Glibc
import Testing

@testable import Transport

@Suite("Connecting")
struct ConnectingTests {
    private func connect(
        to address: SocketAddress, from source: SocketAddress? = nil
    ) throws -> (EventLoop, Connection, Recorder) {
        let loop = try EventLoop()
        let connection = try Connection.connect(to: address, from: source, loop: loop)
        let recorder = Recorder()
        connection.handler = recorder
        return (loop, connection, recorder)
    }

    @Test(
        "a connection is told when it is made",
        arguments: [loopback(), loopbackIPv6(), SocketAddress.unix(temporaryPath())])
    func connecting(to address: SocketAddress?) throws {
        let address = try #require(address)
        let listening = try openListening(at: address)
        let (loop, connection, recorder) = try connect(to: #require(listening.address))
        #expect(connection.isConnecting)
        turn(loop) { recorder.readyCount > 0 }
        #expect(!connection.isConnecting)
        #expect(connection.error == nil)
        #expect(connection.send("hello") == .sent)
        #expect(listening.accept().nextText() == "hello")
        connection.close()
        if let path = address.path { unsafe unlink(path) }
    }

    @Test("what is sent before the connection is made waits for it")
    func sendingEarly() throws {
        let listening = try openListening()
        let (loop, connection, recorder) = try connect(to: #require(listening.address))
        #expect(connection.send("early") == .queued)
        connection.finishSending()
        recorder.onReady = { _ = $0.flush() }
        turn(loop) { !connection.hasUnsentBytes }
        let accepted = listening.accept()
        #expect(accepted.nextText() == "early")
        #expect(accepted.nextText() == nil)
        connection.close()
    }

    @Test("an end that was asked for before the connection is made goes out after it")
    func finishingEarly() throws {
        let listening = try openListening()
        let (loop, connection, recorder) = try connect(to: #require(listening.address))
        connection.finishSending()
        recorder.onReady = { _ = $0.flush() }
        turn(loop) { recorder.readyCount > 0 }
        #expect(listening.accept().nextText() == nil)
        connection.close()
    }

    @Test("a refused connection is told with its reason", arguments: [loopback(), loopbackIPv6()])
    func refused(address: SocketAddress) throws {
        // A port that is bound and not listened at refuses, and nobody else gets it meanwhile.
        let bound = Peer(try Socket.open(for: address))
        try bound.socket.bind(to: address)
        let (loop, connection, recorder) = try connect(to: #require(bound.address))
        turn(loop) { recorder.readyCount > 0 }
        #expect(!connection.isConnecting)
        #expect(connection.error?.code == ECONNREFUSED)
        #expect(connection.error?.description.contains("refused") == true)
        #expect(
            connection.send("x") == .failed(SystemError(call: "connection", code: ECONNREFUSED)))
        connection.close()
    }

    @Test("a path where nobody listens fails at once")
    func noSuchPath() throws {
        let address = try #require(SocketAddress.unix(temporaryPath()))
        let loop = try EventLoop()
        #expect(throws: SystemError(call: "connect", code: ENOENT)) {
            _ = try Connection.connect(to: address, loop: loop)
        }
        #expect(loop.sourceCount == 0)
    }

    @Test("a connection comes from the address it was told to")
    func sourceAddress() throws {
        let listening = try openListening()
        let source = SocketAddress(high: 0, low: 0xFFFF_7F00_0002, port: 0)
        let (loop, connection, recorder) = try connect(
            to: #require(listening.address), from: source)
        turn(loop) { recorder.readyCount > 0 }
        let peer = listening.accept().socket.peerAddress
        #expect(peer?.low == source.low)
        #expect(peer == connection.localAddress)
        #expect(connection.peer == listening.address)
        // The port is the kernel's choice for this destination, and small segments do not wait.
        let isLate = connection.socket.number(Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT)
        let isPrompt = connection.socket.number(Int32(IPPROTO_TCP), TCP_NODELAY)
        #expect(isLate == 1)
        #expect(isPrompt == 1)
        connection.close()
    }

    // Of a UNIX-domain peer, the kernel then tells a hang-up, which for others means a failure.
    @Test(
        "a peer that sends and closes before the first event is no failure",
        arguments: [loopback(), SocketAddress.unix(temporaryPath())])
    func acceptedAndClosed(at address: SocketAddress?) throws {
        let address = try #require(address)
        let listening = try openListening(at: address)
        let (loop, connection, recorder) = try connect(to: #require(listening.address))
        let accepted = listening.accept()
        #expect(accepted.write("bye") == .bytes(3))
        accepted.close()
        turn(loop) { recorder.readyCount > 0 && connection.peerHasClosed }
        #expect(connection.error == nil)
        #expect(connection.receiveText().text == "bye")
        #expect(connection.receiveText().result == .endOfStream)
        connection.close()
        if let path = address.path { unsafe unlink(path) }
    }
}
