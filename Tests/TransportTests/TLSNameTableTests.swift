import Testing

@testable import Transport

@Suite("Certificates by name")
struct TLSNameTableTests {
    private let ecdsa: TLSCertificate
    private let rsa: TLSCertificate
    private let other: TLSCertificate

    init() throws {
        ecdsa = try TLSCertificate(certificates: TestPEM.aCertificate, key: TestPEM.aKey)
        rsa = try TLSCertificate(
            certificates: TestPEM.rsaCertificate, key: TestPEM.rsaKeyInPKCS1)
        other = try TLSCertificate(certificates: TestPEM.bCertificate, key: TestPEM.bKey)
    }

    @Test(
        "a wildcard stands for exactly one label (RFC 6125 §6.4.3)",
        arguments: [
            ("shop.test", "exact"), ("SHOP.test", "exact"), ("shop.test.", "exact"),
            ("a.shop.test", "wildcard"), ("b.shop.test", "exact"), ("a.a.shop.test", "none"),
            (".shop.test", "none"), ("", "none"), ("test", "none"), ("xshop.test", "none"),
        ])
    func lookup(name: String, found: String) {
        var table = TLSNameTable()
        table.add(ecdsa, for: "shop.test")
        table.add(ecdsa, for: "b.shop.test")
        table.add(other, for: "*.shop.test")
        let expected = ["exact": ecdsa, "wildcard": other][found]
        #expect(table.group(for: name)?.first === expected)
    }

    @Test("several kinds of key serve one name, ECDSA first, and an earlier one of a kind stays")
    func kinds() throws {
        var table = TLSNameTable()
        for certificate in [rsa, ecdsa, other] { table.add(certificate, for: "shop.test") }
        let group = try #require(table.group(for: "shop.test"))
        #expect(group.count == 2 && group[0] === ecdsa && group[1] === rsa)
    }
}
