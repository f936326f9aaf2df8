import Testing

@testable import HTTPParser

@Suite("Character classes")
struct CharacterClassTests {
    private static let alphanumerics =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

    /// Whether exactly the bytes of `members` are in the class.
    private func isClass(_ members: String, _ contains: (UInt8) -> Bool) -> Bool {
        (UInt8.min...UInt8.max).allSatisfy { latin1(members).contains($0) == contains($0) }
    }

    @Test("tchar is what RFC 9110 §5.6.2 lists")
    func token() {
        let members = CharacterClassTests.alphanumerics + "!#$%&'*+-.^_`|~"
        #expect(isClass(members) { CharacterClass.isToken($0) })
    }

    @Test("host names are made of unreserved and sub-delims without the comma (RFC 3986 §3.2.2)")
    func hostName() {
        let members = CharacterClassTests.alphanumerics + "-._~!$&'()*+;="
        #expect(isClass(members) { CharacterClass.isHostName($0) })
        #expect(
            isClass(CharacterClassTests.alphanumerics + "-.") { CharacterClass.isCommonInHost($0) })
    }

    @Test("base64 is what RFC 4648 §4 lists")
    func base64() {
        #expect(isClass(CharacterClassTests.alphanumerics + "+/") { CharacterClass.isBase64($0) })
    }

    @Test("digits and white space are ASCII")
    func small() {
        #expect(isClass("0123456789") { CharacterClass.isDigit($0) })
        #expect(isClass(" \t") { CharacterClass.isWhitespace($0) })
        #expect(isClass("0123456789abcdefABCDEF") { CharacterClass.hexValue($0) != nil })
    }

    @Test("hexadecimal digits have the value they stand for")
    func hexadecimal() {
        for value in UInt8(0)..<16 {
            let digit = String(value, radix: 16)
            #expect(CharacterClass.hexValue(latin1(digit)[0]) == value)
            #expect(CharacterClass.hexValue(latin1(digit.uppercased())[0]) == value)
        }
    }

    @Test("field values hold HTAB, SP, VCHAR and obs-text (RFC 9110 §5.5)")
    func fieldValue() {
        for byte in UInt8.min...UInt8.max {
            let isAllowed = byte == 0x09 || (0x20...0x7E).contains(byte) || byte >= 0x80
            #expect(CharacterClass.isFieldValue(byte) == isAllowed)
        }
    }
}
