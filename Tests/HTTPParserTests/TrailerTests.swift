import HTTPParser
import Testing

@Suite("Trailers")
struct TrailerTests {
    private func outcome(_ trailers: String, limit: Int = 8192) -> ChunkedOutcome {
        chunkedOutcome(
            "1\r\nx\r\n0\r\n" + trailers, decoder: ChunkedDecoder(trailerBytesMax: limit))
    }

    @Test("trailer fields are shown as they are, with the empty line (RFC 9112 §7.1.2)")
    func shown() {
        #expect(outcome("\r\n").trailers == "\r\n")
        #expect(outcome("X: y\r\nZ:\r\n\r\n").trailers == "X: y\r\nZ:\r\n\r\n")
    }

    @Test("a trailer section is read as fields, up to 64 of them")
    func parsed() {
        var fields = FieldSection()
        #expect(TrailerParser.parse(latin1("X: y\r\nDate: z\r\n\r\n").span, into: &fields))
        #expect(fields.count == 2 && fields[1].known == .date)
        #expect(TrailerParser.parse(latin1("\r\n").span, into: &fields))
        #expect(fields.count == 0)
        let most = String(repeating: "X: y\r\n", count: 64)
        #expect(TrailerParser.parse(latin1(most + "\r\n").span, into: &fields))
        #expect(!TrailerParser.parse(latin1(most + "X:\r\n\r\n").span, into: &fields))
        #expect(!TrailerParser.parse(latin1("X: y\r\n").span, into: &fields))
    }

    @Test(
        "trailer fields end the message whatever they say (RFC 9112 §7.1.2)",
        arguments: [
            "X: y\r\n\r\n", "X:\r\nY: \"z\"\t \r\n\r\n", "Content-Length: 5\r\n\r\n",
            "A:b:c\r\n\r\n", "!#$%&'*+-.^_`|~09Az: \u{80}\r\n\r\n",
        ])
    func fields(trailers: String) {
        #expect(
            outcome(trailers)
                == ChunkedOutcome(payload: "x", byteCount: 9 + latin1(trailers).count))
    }

    @Test(
        "trailers keep to the rules for field lines (RFC 9112 §5)",
        arguments: [
            ("X : y\r\n\r\n", ParseError.whitespaceBeforeColon),
            ("X\t: y\r\n\r\n", .whitespaceBeforeColon), (" X: y\r\n\r\n", .foldedLine),
            ("X: y\r\n z\r\n\r\n", .foldedLine), (": y\r\n\r\n", .invalidFieldName),
            ("X\r\n\r\n", .invalidFieldName), ("X\u{80}: y\r\n\r\n", .invalidFieldName),
            ("\0: y\r\n\r\n", .invalidFieldName), ("X: \0\r\n\r\n", .invalidFieldValue),
            ("X: y\u{7F}\r\n\r\n", .invalidFieldValue), ("X: y\n\r\n", .bareLineEnd),
            ("X: y\rZ\r\n\r\n", .bareLineEnd), ("\n", .bareLineEnd), ("\r\r\n", .bareLineEnd),
            ("X: y\r\n\n", .bareLineEnd), ("X\n", .bareLineEnd), ("X: y\r\r\n", .bareLineEnd),
            ("GET / HTTP/1.1\r\n", .whitespaceBeforeColon), ("\rX", .bareLineEnd),
        ])
    func rules(trailers: String, error: ParseError) {
        #expect(outcome(trailers) == ChunkedOutcome(payload: "x", error: error))
    }

    @Test("trailers of exactly the limit pass, one byte more is refused")
    func limit() {
        #expect(outcome("X: y\r\n\r\n", limit: 9).byteCount == 17)
        #expect(outcome("X: y\r\n\r\n", limit: 8).byteCount == 17)
        #expect(
            outcome("X: y\r\n\r\n", limit: 7)
                == ChunkedOutcome(payload: "x", error: .trailersTooLarge))
        #expect(outcome("\r\n", limit: 2).byteCount == 11)
        #expect(outcome("\r\n", limit: 1).error == .trailersTooLarge)
        #expect(
            outcome("X: " + String(repeating: "y", count: 50), limit: 40).error
                == .trailersTooLarge)
    }

    @Test("many small lines count together")
    func manyLines() {
        let lines = String(repeating: "X: y\r\n", count: 10)
        #expect(outcome(lines + "\r\n", limit: 62).byteCount == 71)
        #expect(outcome(lines + "\r\n", limit: 61).error == .trailersTooLarge)
    }
}
