import Testing

@testable import StickyPolicy

@Suite("checksums of ingress-nginx")
struct ChecksumTests {
    @Test(
        "MD5 of the test suite (RFC 1321 §A.5), and of lengths around a block",
        arguments: [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a"
            ),
            (String(repeating: "a", count: 55), "ef1772b6dff9a122358552954ad0df65"),
            (String(repeating: "a", count: 56), "3b0c8ac703f828b04c6c197006d17218"),
            (String(repeating: "a", count: 64), "014842d480b571495a4a0363793f7367"),
        ])
    func md5(text: String, digest: String) {
        #expect(MD5.digest(of: text).text == digest)
        #expect(MD5.Digest(hexadecimal: Array(digest.utf8).span) == MD5.digest(of: text))
    }

    @Test(
        "a digest is 32 lower-case hexadecimal digits, and nothing else",
        arguments: [
            "", "D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427",
            "d41d8cd98f00b204e9800998ecf8427eg", "g41d8cd98f00b204e9800998ecf8427e",
        ])
    func noDigest(text: String) {
        #expect(MD5.Digest(hexadecimal: Array(text.utf8).span) == nil)
    }

    @Test("CRC-32 of its check string, whole and in pieces")
    func crc32() {
        var crc = CRC32()
        crc.combine(Array("12345".utf8))
        var rest = CRC32(continuing: crc.value)
        rest.combine(decimal: 6789)
        #expect(rest.value == 0xCBF4_3926)
        #expect(CRC32().value == 0)
    }
}
