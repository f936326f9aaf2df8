import HTTPParser
import Testing

@Suite("Field lines")
struct FieldLineTests {
    @Test(
        "white space around a value is no part of it (RFC 9112 §5.1)",
        arguments: [
            ("X:y", "y"), ("X: y", "y"), ("X:  y", "y"), ("X:\ty", "y"), ("X: \t y \t ", "y"),
            ("X:", ""), ("X: ", ""), ("X:\t", ""), ("X:   \t\t   ", ""), ("X: a b\tc", "a b\tc"),
            ("X:y                       ", "y"), ("X:                       y", "y"),
            ("X: 0123456789abcdef\t0123456789abcdef\t", "0123456789abcdef\t0123456789abcdef"),
            ("X: \t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t.", "."),
        ])
    func optionalWhitespace(line: String, value: String) {
        let fields = requestOutcome(request(fields: line)).head?.fields
        #expect(fields?.last == TextField(name: "X", value: value))
    }

    @Test(
        "a value may hold any visible byte, blanks and obs-text (RFC 9110 §5.5)",
        arguments: [
            ":", "::", "a:b", "\"quoted, string\"", "\u{80}", "\u{FF}", "gr\u{FC}n", "a=b; c=\"d\"",
            "!#$%&'*+-.^_`|~()<>@,;\\/[]?={}", "0123456789abcde\u{80}",
        ])
    func values(value: String) {
        let fields = requestOutcome(request(fields: "X: \(value)")).head?.fields
        #expect(fields?.last == TextField(name: "X", value: value))
    }

    @Test("every control but HTAB is refused in a value, at every distance from its end")
    func controlsInValues() {
        for code in Array(0x00...0x1F) + [0x7F] where code != 0x09 {
            let control = String(Unicode.Scalar(UInt8(code)))
            let error: ParseError = code == 0x0A || code == 0x0D ? .bareLineEnd : .invalidFieldValue
            for before in [0, 1, 15, 16, 17, 40] {
                let line = "X: " + String(repeating: "v", count: before) + control + "w"
                #expect(requestOutcome(request(fields: line)) == .refused(error))
            }
        }
    }

    @Test("names are made of the bytes of a token and of no other (RFC 9110 §5.1)")
    func namesByteForByte() {
        let token = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        for code in UInt8.min...UInt8.max where code != 0x3A {
            let character = String(Unicode.Scalar(code))
            for before in [1, 15, 17] {
                let name = String(repeating: "N", count: before) + character
                let outcome = wholeRequestOutcome(request(fields: "\(name): v"))
                let isName = outcome.head?.fields.last == TextField(name: name, value: "v")
                #expect(isName == token.contains(character), "byte \(code)")
            }
        }
    }

    @Test(
        "a malformed name is refused",
        arguments: [
            (": v", ParseError.invalidFieldName), ("X", .invalidFieldName),
            ("XY Z", .whitespaceBeforeColon),
            ("X\u{80}: v", .invalidFieldName), ("\u{80}: v", .invalidFieldName),
            ("X\0: v", .invalidFieldName), ("X(: v", .invalidFieldName),
            ("\"X\": v", .invalidFieldName),
            ("X@: v", .invalidFieldName), ("{X}: v", .invalidFieldName),
            ("X\r: v", .invalidFieldName),
            ("0123456789abcdefgh", .invalidFieldName), ("X\u{7F}: v", .invalidFieldName),
        ])
    func malformedNames(line: String, error: ParseError) {
        #expect(requestOutcome(request(fields: line)) == .refused(error))
    }

    @Test(
        "white space between name and colon is refused (RFC 9112 §5.1)",
        arguments: ["X : v", "X\t: v", "X  : v", "A-Longer-Name-Than-16 : v", "X \t:"])
    func whitespaceBeforeColon(line: String) {
        #expect(requestOutcome(request(fields: line)) == .refused(.whitespaceBeforeColon))
    }

    @Test(
        "a line that begins with white space is refused (RFC 9112 §5.2)",
        arguments: [" folded", "\tfolded", " X: v", " ", "\t\t"])
    func foldedLines(line: String) {
        #expect(requestOutcome(request(fields: "A: b", line)) == .refused(.foldedLine))
        let first = "GET / HTTP/1.1\r\n\(line)\r\nHost: a\r\n\r\n"
        #expect(requestOutcome(first) == .refused(.foldedLine))
    }

    @Test(
        "a line end that is not CRLF is refused (RFC 9112 §2.2)",
        arguments: [
            "X: v\nHost: a\r\n\r\n", "X: v\rHost: a\r\n\r\n", "X: v\r\rHost: a\r\n\r\n",
            "Host: a\r\n\n", "Host: a\r\n\r\r\n", "Host: a\r\n\rX\r\n\r\n", "X\nHost: a\r\n\r\n",
            "Host: a\n\n", "X: v\r \nHost: a\r\n\r\n", "\nHost: a\r\n\r\n",
        ])
    func lineEnds(lines: String) {
        #expect(requestOutcome("GET / HTTP/1.1\r\n" + lines) == .refused(.bareLineEnd))
    }

    @Test("fields keep their order, their case and their repetitions")
    func order() {
        let message = request(fields: "b: 1", "A: 2", "b: 3", "B: 1")
        let fields = requestOutcome(message).head?.fields.dropFirst()
        #expect(fields?.map(\.description) == ["b: 1", "A: 2", "b: 3", "B: 1"])
    }

    @Test("the range of a line holds it with its CRLF")
    func lineRanges() throws {
        let bytes = latin1("GET / HTTP/1.1\r\nHost: a\r\nX:  y \r\n\r\n")
        var head = RequestHead()
        var scannedCount = 0
        let parser = RequestParser(limits: ParserLimits())
        _ = try parser.parse(bytes.span, scannedCount: &scannedCount, into: &head)
        #expect(text(bytes.span, head.fields[0].line) == "Host: a\r\n")
        #expect(text(bytes.span, head.fields[1].line) == "X:  y \r\n")
        #expect(head.fields[0].known == .host)
        #expect(head.fields[1].known == .other)
    }
}
