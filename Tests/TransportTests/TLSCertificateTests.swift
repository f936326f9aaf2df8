import Testing

@testable import Transport

@Suite("TLS certificates")
struct TLSCertificateTests {
    private func failure(_ certificates: [UInt8], _ key: [UInt8]) -> String? {
        do throws(TLSError) {
            _ = try TLSCertificate(certificates: certificates, key: key)
            return nil
        } catch {
            return error.description
        }
    }

    @Test(
        "a key is read in PKCS#8, PKCS#1 and SEC1",
        arguments: [
            (TestPEM.aCertificate, TestPEM.aKey, TLSCertificate.KeyKind.ecdsa),
            (TestPEM.aCertificate, TestPEM.aKeyInSEC1, .ecdsa),
            (TestPEM.rsaCertificate, TestPEM.rsaKeyInPKCS1, .rsa),
        ])
    func keyForms(certificate: [UInt8], key: [UInt8], kind: TLSCertificate.KeyKind) throws {
        #expect(try TLSCertificate(certificates: certificate, key: key).keyKind == kind)
    }

    @Test(
        "an encrypted key is refused in words",
        arguments: [
            TestPEM.encryptedKey, TestPEM.encryptedKeyInSEC1,
        ])
    func encrypted(key: [UInt8]) {
        let expected = "the key is encrypted; give it decrypted, readable to the proxy only"
        #expect(failure(TestPEM.bCertificate, key) == expected)
    }

    @Test("what does not belong together is refused in words")
    func mismatches() {
        let notTheKey = "the key does not belong to the certificate"
        #expect(failure(TestPEM.aCertificate, TestPEM.bKey) == notTheKey)
        #expect(failure(TestPEM.rsaCertificate, TestPEM.aKey) == notTheKey)
        let wrongOrder = TestPEM.clientCertificate + TestPEM.bCertificate
        let reason = "certificate 2 in it is not the issuer of the one before"
        #expect(failure(wrongOrder, TestPEM.clientKey) == reason)
        #expect(failure(TestPEM.clientCertificate + TestPEM.authority, TestPEM.clientKey) == nil)
    }

    @Test("what is no certificate or no key is refused in words")
    func junk() {
        let noCertificate = "there is no certificate in it"
        #expect(failure([], TestPEM.aKey) == noCertificate)
        #expect(failure(TestPEM.aKey, TestPEM.aKey) == noCertificate)
        #expect(failure(TestPEM.aCertificate, []) == "there is no private key in it")
        #expect(
            failure(TestPEM.aCertificate, TestPEM.bCertificate) == "there is no private key in it")
        let broken = TestPEM.aCertificate + Array(TestPEM.bCertificate.prefix(200))
        #expect(failure(broken, TestPEM.aKey) == "a certificate in it is broken")
    }

    @Test("names are those of the certificate, in lower case; without any, the common name")
    func names() throws {
        let named = try TLSCertificate(certificates: TestPEM.aCertificate, key: TestPEM.aKey)
        #expect(named.names == ["a.test", "*.wild.test"])
        let client = try TLSCertificate(
            certificates: TestPEM.clientCertificate, key: TestPEM.clientKey)
        #expect(client.names == ["alice"])
    }

    @Test("an operator hears of a certificate that is not valid yet, ends soon or has ended")
    func warnings() throws {
        let certificate = try TLSCertificate(certificates: TestPEM.aCertificate, key: TestPEM.aKey)
        let (start, end) = (certificate.notBefore, certificate.notAfter)
        #expect(end - start == 36_500 * 86_400)
        #expect(certificate.warnings(at: start).isEmpty)
        #expect(certificate.warnings(at: start - 1) == ["is not valid yet"])
        #expect(certificate.warnings(at: end - 14 * 86_400).isEmpty)
        #expect(certificate.warnings(at: end - 14 * 86_400 + 1) == ["expires in 13 days"])
        #expect(certificate.warnings(at: end + 1) == ["has expired"])
    }
}
