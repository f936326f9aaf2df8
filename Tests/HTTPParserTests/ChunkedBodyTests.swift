import HTTPParser
import Testing

@Suite("Chunked bodies")
struct ChunkedBodyTests {
    @Test(
        "chunks are joined up to the end of the message (RFC 9112 §7.1)",
        arguments: [
            ("0\r\n\r\n", ""), ("5\r\nhello\r\n0\r\n\r\n", "hello"),
            ("5\r\nhello\r\n1\r\n,\r\n6\r\n world\r\n0\r\n\r\n", "hello, world"),
            ("a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
            ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
            ("010\r\n0123456789abcdef\r\n0\r\n\r\n", "0123456789abcdef"),
            ("0000000000000001\r\nx\r\n0000000000000000\r\n\r\n", "x"),
            ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"), ("3\r\n0\r\n\r\n00\r\n\r\n", "0\r\n"),
            ("3\r\n\0\u{80}\u{FF}\r\n0\r\n\r\n", "\0\u{80}\u{FF}"),
        ])
    func bodies(body: String, payload: String) {
        let expected = ChunkedOutcome(payload: payload, byteCount: latin1(body).count)
        #expect(chunkedOutcome(body) == expected)
        // What follows belongs to the next message.
        #expect(chunkedOutcome(body + "GET / HTTP/1.1\r\n") == expected)
    }

    @Test("a body that has not ended asks for more")
    func incomplete() {
        let body = "5\r\nhello\r\n0\r\nX: y\r\n\r\n"
        for count in 0..<body.utf8.count {
            let outcome = chunkedOutcome(
                String(decoding: Array(body.utf8)[..<count], as: UTF8.self))
            #expect(outcome.byteCount == nil && outcome.error == nil)
            #expect("hello".hasPrefix(outcome.payload))
        }
    }

    @Test(
        "a size is hexadecimal digits and nothing else (RFC 9112 §7.1)",
        arguments: [
            "\r\n", " 5\r\n", "5 \r\n", "\t5\r\n", "5\t\r\n", "5 \n", "+5\r\n", "-5\r\n",
            "0x5\r\n", "5h\r\n", "g\r\n", ";a\r\n", "5,\r\n", "5.0\r\n", "\0", "\u{80}", "5\0\r\n",
            "5\u{B}\r\n", "\n", "x", ":", "@", "`", "/", "G", "00000000000000005\r\n", "5 5\r\n",
        ])
    func invalidSizes(line: String) {
        #expect(chunkedOutcome(line + "hello") == ChunkedOutcome(error: .invalidChunkSize))
    }

    @Test(
        "a size beyond what a count of bytes can be is refused",
        arguments: [
            "8000000000000000", "ffffffffffffffff", "FFFFFFFFFFFFFFFF", "fffffffffffffffff",
            "10000000000000000", "8000000000000001;a",
        ])
    func tooLarge(size: String) {
        #expect(chunkedOutcome(size + "\r\n") == ChunkedOutcome(error: .chunkTooLarge))
    }

    @Test("the largest size is taken")
    func largest() {
        #expect(chunkedOutcome("7fffffffffffffff\r\nab") == ChunkedOutcome(payload: "ab"))
        #expect(chunkedOutcome("07fffffffffffff0\r\nab") == ChunkedOutcome(payload: "ab"))
    }

    @Test(
        "a bare LF in a chunk line is refused (RFC 9112 §7.1)",
        arguments: ["5\nhello\r\n0\r\n\r\n", "5;a\nhello\r\n", "5\r\rhello", "5\rhello", "0\n\r\n"])
    func bareLineEnds(body: String) {
        #expect(chunkedOutcome(body) == ChunkedOutcome(error: .bareLineEnd))
    }

    @Test(
        "data that does not end in CRLF is refused (RFC 9112 §7.1)",
        arguments: [
            "5\r\nhello0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello\r0\r\n\r\n",
            "5\r\nhello!\r\n", "5\r\nhello \r\n0\r\n\r\n", "5\r\nhello\r\r\n",
        ])
    func invalidEnds(body: String) {
        #expect(
            chunkedOutcome(body) == ChunkedOutcome(payload: "hello", error: .invalidChunkEnd))
    }

    @Test(
        "extensions are skipped (RFC 9112 §7.1.1)",
        arguments: [
            ";", ";a", ";a=b", ";a=\"b;c\"", ";a;b=c;d", "; a = b", ";a\tb", ";\u{80}", " ;a",
            "\t ;a",
            ";a=\"\\\"\"", ";a=\"b\\\\\";c",
            ";chunk-signature=0123456789abcdef",
        ])
    func extensions(text: String) {
        let body = "5\(text)\r\nhello\r\n0\(text)\r\n\r\n"
        #expect(
            chunkedOutcome(body)
                == ChunkedOutcome(payload: "hello", byteCount: latin1(body).count))
    }

    @Test(
        "a quote in an extension is closed before the line is (RFC 9112 §7.1.1)",
        arguments: [";a=\"", ";a=\"b", ";a=\"b\\\"", ";a=\"b\";c=\"", ";\"\\"])
    func openQuotes(text: String) {
        #expect(
            chunkedOutcome("5\(text)\r\nhello") == ChunkedOutcome(error: .invalidChunkSize))
    }

    @Test("a control in an extension is refused", arguments: ["\0", "\u{1}", "\u{B}", "\u{7F}"])
    func controlsInExtensions(control: String) {
        #expect(
            chunkedOutcome("5;a\(control)b\r\n") == ChunkedOutcome(error: .invalidChunkSize))
    }

    private func step(
        _ decoder: inout ChunkedDecoder, _ bytes: [UInt8], _ offset: inout Int
    ) throws -> ChunkedDecoder.Step {
        try decoder.next(in: bytes.span, from: &offset)
    }

    @Test("a decoder that is done consumes nothing more")
    func done() throws {
        let bytes = latin1("0\r\n\r\n0\r\n\r\n")
        var decoder = ChunkedDecoder()
        var offset = 0
        #expect(!decoder.isDone)
        #expect(try step(&decoder, bytes, &offset) == .trailer(ByteRange(3, 5)))
        #expect(decoder.isDone)
        #expect(try step(&decoder, bytes, &offset) == .end)
        #expect(offset == 5)
        #expect(try step(&decoder, bytes, &offset) == .end)
        #expect(offset == 5)
    }

    @Test("a chunk is reported where it lies")
    func ranges() throws {
        let bytes = latin1("5\r\nhello\r\n3\r\nab")
        var decoder = ChunkedDecoder()
        var offset = 0
        #expect(try step(&decoder, bytes, &offset) == .data(ByteRange(3, 8)))
        #expect(try step(&decoder, bytes, &offset) == .data(ByteRange(13, 15)))
        #expect(try step(&decoder, bytes, &offset) == .needMore)
        let rest = latin1("c\r\n")
        offset = 0
        #expect(try step(&decoder, rest, &offset) == .data(ByteRange(0, 1)))
        #expect(try step(&decoder, rest, &offset) == .needMore)
        #expect(offset == 3)
    }
}
