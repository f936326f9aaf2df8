import Testing

@testable import Transport

@Suite("Certificates of clients by name")
struct TLSClientVerificationTests {
    private func verification(_ number: Int) throws -> TLSClientVerification {
        try TLSClientVerification(
            authorities: TestPEM.authority, revocations: nil, depth: 1, number: number)
    }

    @Test(
        "an exact name comes before a wildcard, also where it asks for nothing",
        arguments: [
            ("a.test", 1), ("A.test.", 1), ("open.wild.test", nil), ("b.wild.test", 2),
            ("c.b.wild.test", 3), ("other", 3), (nil, 3),
        ] as [(String?, Int?)])
    func lookup(name: String?, number: Int?) throws {
        let table = TLSVerificationTable([
            ("a.test", try verification(1)), ("open.wild.test", nil),
            ("*.wild.test", try verification(2)), ("", try verification(3)),
        ])
        #expect(table.verification(for: name)?.number == number)
    }

    @Test(
        "the name in a hello is read, and what is malformed is no name (RFC 6066 §3)",
        arguments: [
            ([0, 4, 0, 0, 1, 0x61], "a"), ([0, 4, 0, 0, 2, 0x61, 0x62], "ab"),
            ([0, 4, 0, 0, 2, 0x61], nil), ([0, 3, 0, 0, 0], nil), ([0, 3, 0, 0, 0, 0], nil),
            ([0, 4, 1, 0, 1, 0x61], nil), ([0, 4, 0, 0xFF, 0xFF, 0x61], nil), ([0, 4], nil),
            ([], nil),
        ] as [([UInt8], String?)])
    func helloName(bytes: [UInt8], name: String?) {
        #expect(unsafe bytes.withUnsafeBufferPointer { unsafe TLSHelloName.read($0) } == name)
    }

    private func server(_ names: [String]) throws -> TLSServerContext {
        let asked = try verification(0)
        return try TestTLS.server { settings in
            settings.verifications = names.map { ($0, asked) }
        }
    }

    private func client(_ certificate: [UInt8]?, _ key: [UInt8]) throws -> TLSClientContext {
        try TestTLS.client {
            $0.certificate = certificate.flatMap {
                try? TLSCertificate(certificates: $0, key: key)
            }
        }
    }

    @Test("the handshake goes on whatever a client shows, and says what is wrong with it")
    func problems() throws {
        let server = try server(["a.test"])
        let nobody = try Secured(server, client(nil, []))
        nobody.shakeHands()
        #expect(nobody.server.error == nil && nobody.server.tls?.peerCertificate == nil)
        #expect(nobody.server.tls?.verification?.number == 0)
        let alice = try Secured(server, client(TestPEM.clientCertificate, TestPEM.clientKey))
        alice.shakeHands()
        #expect(alice.server.tls?.peerCertificate?.subject == "CN=alice,O=Tests")
        #expect(alice.server.tls?.peerProblem == nil)
        let stranger = try Secured(server, client(TestPEM.bCertificate, TestPEM.bKey))
        stranger.shakeHands()
        #expect(stranger.server.tls?.peerProblem?.isUnknownAuthority == true)
        for pair in [nobody, alice, stranger] { pair.close() }
    }

    @Test(
        "a forged certificate is told from no handshake, also where it comes in pieces",
        arguments: [TLSVersion.tls12, .tls13])
    func forgedInPieces(version: TLSVersion) throws {
        let mallory = try TLSCertificate(
            certificates: TestPEM.forgedCertificate, key: TestPEM.forgedKey)
        let client = try TestTLS.client {
            $0.certificate = mallory
            $0.maximumVersion = version
        }
        let pair = try Secured(server(["a.test"]), client, pieceSize: 40)
        pair.shakeHands()
        #expect(pair.server.error == nil && pair.client.error == nil)
        #expect(pair.server.tls?.peerCertificate?.subject == "CN=mallory,O=Tests")
        #expect(pair.server.tls?.peerProblem?.reason == "certificate signature failure")
        pair.close()
    }

    @Test("other names are asked for nothing")
    func others() throws {
        let pair = try Secured(
            server(["b.test"]), client(TestPEM.clientCertificate, TestPEM.clientKey))
        pair.shakeHands()
        #expect(pair.server.tls?.peerCertificate == nil && pair.server.tls?.verification == nil)
        pair.close()
    }

    @Test("authorities and lists that are none are refused in words")
    func broken() {
        #expect(throws: TLSError("there is no certificate in it")) {
            try TLSClientVerification(authorities: [], revocations: nil, depth: 1, number: 0)
        }
        #expect(throws: TLSError("there is no certificate revocation list in it")) {
            try TLSClientVerification(
                authorities: TestPEM.authority, revocations: TestPEM.authority, depth: 1, number: 0)
        }
    }
}
