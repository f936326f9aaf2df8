import Glibc
import Testing

@testable import Transport

@Suite("TLS on a connection")
struct TLSConnectionTests {
    /// Bytes whose order can be told from their values.
    private func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    }

    @Test("a handshake is a part of connecting, and then bytes go both ways")
    func exchange() throws {
        let pair = try Secured(TestTLS.server(), TestTLS.client())
        #expect(pair.server.isConnecting && pair.client.isConnecting)
        pair.shakeHands()
        #expect(pair.client.error == nil && pair.server.error == nil)
        #expect(pair.server.tls?.version == "TLSv1.3" && pair.server.tls?.isNameKnown == true)
        #expect(pair.client.send("hello") == .sent)
        #expect(pair.receive(5, at: pair.server).bytes == Array("hello".utf8))
        // A receive that took everything knows so without another call.
        #expect(!pair.server.isReadable)
        #expect(pair.server.send("world") == .sent)
        #expect(pair.receive(5, at: pair.client).bytes == Array("world".utf8))
        pair.close()
    }

    @Test("what is sent during the handshake waits for its end")
    func early() throws {
        let pair = try Secured(TestTLS.server(), TestTLS.client())
        #expect(pair.client.send("early") == .queued)
        pair.clientRecorder.onReady = { _ = $0.flush() }
        #expect(pair.receive(5, at: pair.server).bytes == Array("early".utf8))
        pair.close()
    }

    @Test(
        "large sends arrive whole and in order, in one part or two",
        arguments: [(0, 900_000), (300, 60_000), (16_384, 16_385), (900_000, 5)])
    func large(firstCount: Int, secondCount: Int) throws {
        let pair = try Secured(TestTLS.server(), TestTLS.client())
        pair.shakeHands()
        pair.server.set(.sendBuffer(bytes: 8_192))
        pair.serverRecorder.onReady = { _ = $0.flush() }
        let bytes = pattern(firstCount + secondCount)
        let result = unsafe bytes.withUnsafeBytes { bytes in
            unsafe pair.server.send(
                UnsafeRawBufferPointer(rebasing: bytes[..<firstCount]),
                UnsafeRawBufferPointer(rebasing: bytes[firstCount...]))
        }
        if case .failed(let error) = result { Issue.record(error) }
        #expect(pair.receive(bytes.count, at: pair.client).bytes == bytes)
        #expect(!pair.server.hasUnsentBytes)
        pair.close()
    }

    @Test("bytes that are decrypted already keep the connection readable")
    func pending() throws {
        let pair = try Secured(TestTLS.server(), TestTLS.client())
        pair.shakeHands()
        _ = pair.client.send(pattern(1_000))
        turn(pair.loop) { pair.server.isReadable }
        #expect(pair.server.receiveText(10).result == .bytes(10))
        #expect(pair.server.isReadable)
        #expect(pair.receive(990, at: pair.server).bytes == Array(pattern(1_000)[10...]))
        pair.close()
    }

    @Test("a close says farewell, and the peer sees an end (RFC 8446 §6.1)")
    func orderlyClose() throws {
        let pair = try Secured(TestTLS.server(), TestTLS.client())
        pair.shakeHands()
        _ = pair.client.send("bye")
        pair.client.close()
        let (bytes, end) = pair.receive(100, at: pair.server)
        #expect(bytes == Array("bye".utf8) && end == .endOfStream)
        #expect(pair.server.peerHasClosed)
        pair.close()
    }

    @Test("finishing one direction leaves the other open")
    func halfClose() throws {
        let pair = try Secured(TestTLS.server(), TestTLS.client())
        pair.shakeHands()
        pair.client.finishSending()
        #expect(pair.receive(1, at: pair.server).end == .endOfStream)
        #expect(pair.server.send("answer") == .sent)
        #expect(pair.receive(6, at: pair.client).bytes == Array("answer".utf8))
        pair.close()
    }

    @Test("an end without a farewell is a failure, as it may be an attacker's (RFC 8446 §6.1)")
    func truncation() throws {
        let pair = try Secured(TestTLS.server(), TestTLS.client())
        pair.shakeHands()
        _ = pair.client.send("cut")
        pair.client.socket.shutdownWrite()
        let (bytes, end) = pair.receive(100, at: pair.server)
        #expect(bytes == Array("cut".utf8))
        #expect(end == .failed(SystemError(call: "tls", code: ECONNRESET)))
        pair.close()
    }

    @Test(
        "what a client holds the server to, and is told when it fails",
        arguments: [
            ("a.test", TestPEM.aCertificate, nil), ("x.wild.test", TestPEM.aCertificate, nil),
            (nil, TestPEM.aCertificate, nil), ("b.test", TestPEM.bCertificate, nil),
            ("c.test", TestPEM.aCertificate, "certificate: hostname mismatch"),
            ("y.x.wild.test", TestPEM.aCertificate, "certificate: hostname mismatch"),
            (nil, TestPEM.bCertificate, "certificate: self-signed certificate"),
            ("a.test", TestPEM.bCertificate, "certificate: self-signed certificate"),
        ] as [(String?, [UInt8], String?)])
    func verification(name: String?, authorities: [UInt8], failure: String?) throws {
        let pair = try Secured(TestTLS.server(), TestTLS.client(name, trusting: authorities))
        turn(pair.loop) { !pair.client.isConnecting }
        #expect((pair.client.error == nil) == (failure == nil))
        #expect(pair.client.tls?.failure == failure)
        pair.close()
    }

    @Test("without verification, any certificate will do")
    func unverified() throws {
        let client = try TestTLS.client("c.test") { $0.verifies = false }
        let pair = try Secured(TestTLS.server(), client)
        pair.shakeHands()
        #expect(pair.client.error == nil && pair.server.tls?.isNameKnown == false)
        pair.close()
    }

    @Test("a client without the certificate that is asked for is not let in")
    func clientCertificates() throws {
        let server = try TestTLS.server { $0.clientAuthorities = TestPEM.authority }
        let stranger = try Secured(server, TestTLS.client())
        turn(stranger.loop) { !stranger.server.isConnecting }
        #expect(stranger.server.error != nil)
        stranger.close()
        let client = try TestTLS.client {
            $0.certificate = try? TLSCertificate(
                certificates: TestPEM.clientCertificate, key: TestPEM.clientKey)
        }
        let known = try Secured(server, client)
        known.shakeHands()
        #expect(known.server.tls?.peerCertificate?.subject == "CN=alice,O=Tests")
        #expect(known.server.tls?.peerCertificate?.issuer == "CN=Test CA,O=Tests")
        known.close()
    }

    /// Both sides of one more connection: whether it was resumed.
    private func resumes(
        _ server: TLSServerContext, _ client: TLSClientContext, _ resumption: TLSResumption
    ) throws -> Bool {
        let pair = try Secured(server, client, resuming: resumption)
        pair.shakeHands()
        // Tickets come behind the handshake and are read with the first bytes.
        _ = pair.server.send("x")
        #expect(pair.receive(1, at: pair.client).bytes.count == 1)
        defer { pair.close() }
        return pair.server.tls?.isResumed == true && pair.client.tls?.isResumed == true
    }

    @Test("a session is resumed by any context with the same ticket keys, and by no other")
    func resumption() throws {
        let keys = TLSTicketKeys()
        let client = try TestTLS.client()
        let resumption = TLSResumption()
        #expect(try !resumes(TestTLS.server { $0.ticketKeys = keys }, client, resumption))
        #expect(try resumes(TestTLS.server { $0.ticketKeys = keys }, client, resumption))
        #expect(try !resumes(TestTLS.server(), client, resumption))
    }

    @Test("each resumed session brings the ticket for the next, as clients use one only once")
    func resumptionAgainAndAgain() throws {
        let (server, client) = (try TestTLS.server(), try TestTLS.client())
        let resumption = TLSResumption()
        #expect(try !resumes(server, client, resumption))
        for _ in 0..<4 { #expect(try resumes(server, client, resumption)) }
    }

    @Test("where clients are verified a ticket is not replaced, and the certificate is seen again")
    func resumptionOfVerified() throws {
        let server = try TestTLS.server { $0.clientAuthorities = TestPEM.authority }
        let client = try TestTLS.client {
            $0.certificate = try? TLSCertificate(
                certificates: TestPEM.clientCertificate, key: TestPEM.clientKey)
        }
        let resumption = TLSResumption()
        #expect(try !resumes(server, client, resumption))
        #expect(try resumes(server, client, resumption))
        #expect(try !resumes(server, client, resumption))
    }

    @Test("a session from where no certificate was asked for is no admission where one is")
    func resumptionWithoutCertificate() throws {
        let keys = TLSTicketKeys()
        let client = try TestTLS.client()
        let resumption = TLSResumption()
        #expect(try !resumes(TestTLS.server { $0.ticketKeys = keys }, client, resumption))
        let strict = try TestTLS.server {
            $0.ticketKeys = keys
            $0.clientAuthorities = TestPEM.authority
        }
        let pair = try Secured(strict, client, resuming: resumption)
        turn(pair.loop) { !pair.server.isConnecting }
        #expect(pair.server.error != nil)
        pair.close()
    }

    @Test("what is no handshake fails, and the handler is told once")
    func garbage() throws {
        let loop = try EventLoop()
        let (near, far) = try tcpPair()
        let connection = try Connection.adopt(near.socket.duplicate(), loop: loop)
        near.close()
        let recorder = Recorder()
        connection.handler = recorder
        connection.startTLS(try TestTLS.server().makeSession())
        _ = far.write(String(repeating: "no handshake ", count: 10))
        turn(loop) { !connection.isConnecting }
        #expect(connection.error != nil && connection.tls?.failure != nil)
        #expect(recorder.readyCount == 1)
        connection.close()
    }

    @Test("a peer that leaves during the handshake fails it")
    func earlyLeave() throws {
        let loop = try EventLoop()
        let (near, far) = try tcpPair()
        let connection = try Connection.adopt(near.socket.duplicate(), loop: loop)
        near.close()
        let recorder = Recorder()
        connection.handler = recorder
        connection.startTLS(try TestTLS.server().makeSession())
        // The first five bytes of a record that never ends.
        _ = far.write("\u{16}\u{3}\u{1}\u{1}\u{0}")
        far.close()
        turn(loop) { !connection.isConnecting }
        #expect(connection.error != nil)
        connection.close()
    }

    /// A source that counts the steps it was granted.
    private final class Shaker: EventSource {
        var grantedCount = 0

        override func handshakeGranted() { grantedCount += 1 }
    }

    @Test("a turn of the loop grants four steps of handshakes, and nobody is forgotten")
    func fairness() throws {
        let loop = try EventLoop()
        let pairs = try (0..<10).map { _ in try unixPair() }
        let shakers = try pairs.map { pair in
            let shaker = Shaker()
            try loop.register(shaker, descriptor: pair.0.socket.descriptor, for: .readable)
            return shaker
        }
        for shaker in shakers { loop.queueHandshake(of: shaker) }
        loop.queueHandshake(of: shakers[0])
        loop.unregister(shakers[9])
        let granted = (0..<4).map { _ in
            loop.turn(waitingAtMost: .zero)
            return shakers.map(\.grantedCount).reduce(0, +)
        }
        #expect(granted == [4, 8, 9, 9])
        #expect(shakers.map(\.grantedCount) == [1, 1, 1, 1, 1, 1, 1, 1, 1, 0])
        for shaker in shakers { loop.unregister(shaker) }
    }
}
