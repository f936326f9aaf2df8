import HTTPParser
import Testing

@Suite("Lists of tokens")
struct TokenListTests {
    @Test(
        "members are what lies between commas, without white space (RFC 9110 §5.6.1)",
        arguments: [
            ("", []), (" ", []), (",", []), (" , ,\t,", []), ("a", ["a"]), (" a ", ["a"]),
            ("a,b", ["a", "b"]), ("a , b", ["a", "b"]), (",a,,b,", ["a", "b"]),
            ("a b,c", ["a b", "c"]), ("\ta\t,\tb\t", ["a", "b"]), ("a;q=1, b", ["a;q=1", "b"]),
            ("\"a,b\"", ["\"a", "b\""]),
        ])
    func members(value: String, members: [String]) {
        // Bytes outside the range belong to other fields.
        let bytes = latin1("x," + value + ",y")
        var list = TokenList(ByteRange(2, bytes.count - 2))
        var found: [String] = []
        while let member = list.next(in: bytes.span) { found.append(text(bytes.span, member)) }
        #expect(found == members)
        let behindLast = list.next(in: bytes.span)
        #expect(behindLast == nil)
    }
}
