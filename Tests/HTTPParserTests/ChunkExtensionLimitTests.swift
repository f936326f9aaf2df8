import HTTPParser
import Testing

/// Extensions count against no limit on bodies, so they have limits of their own.
@Suite("Limits of chunk extensions")
struct ChunkExtensionLimitTests {
    private func decodeWhole(_ body: String) -> ChunkedOutcome {
        let bytes = latin1(body)
        return decode(bytes, arriving: [bytes.count], by: ChunkedDecoder())
    }

    @Test("256 bytes of extension in a line pass, 257 are refused")
    func oneLine() {
        let most = String(repeating: "a", count: 255)
        #expect(chunkedOutcome("1;\(most)\r\nx\r\n0\r\n\r\n").payload == "x")
        #expect(
            chunkedOutcome("1;\(most)\r\nx\r\n0;\(most)\r\n\r\n").byteCount == 523)
        // The `;` that opens an extension is not counted, the text behind it is.
        #expect(chunkedOutcome("1;\(most)a\r\nx\r\n").payload == "x")
        #expect(chunkedOutcome("1;\(most)aa\r\nx").error == .chunkExtensionTooLong)
    }

    @Test("white space before an extension counts with it")
    func whitespace() {
        let most = String(repeating: " ", count: 256)
        #expect(chunkedOutcome("1\(most);\r\nx\r\n").payload == "x")
        #expect(chunkedOutcome("1\(most) ").error == .chunkExtensionTooLong)
    }

    @Test("extension bytes may run 16 KiB ahead of the payload and no further")
    func excess() {
        // 256 bytes of extension for 1 of payload: 255 ahead with each chunk.
        let chunk = "1;" + String(repeating: "a", count: 256) + "\r\nx\r\n"
        let passing = String(repeating: chunk, count: 64)
        #expect(decodeWhole(passing + "0\r\n\r\n").payload.count == 64)
        #expect(decodeWhole(passing + chunk).error == .chunkExtensionTooLong)
    }

    @Test("payload makes room for extensions again")
    func repaid() {
        let chunk =
            "100;" + String(repeating: "a", count: 256) + "\r\n"
            + String(repeating: "x", count: 256) + "\r\n"
        let outcome = decodeWhole(String(repeating: chunk, count: 200) + "0\r\n\r\n")
        #expect(outcome.error == nil)
        #expect(outcome.payload.count == 200 * 256)
    }

    @Test("payload is not saved up for extensions to come")
    func noCredit() {
        let large = "10000\r\n" + String(repeating: "x", count: 0x10000) + "\r\n"
        let chunk = "1;" + String(repeating: "a", count: 256) + "\r\nx\r\n"
        let outcome = decodeWhole(large + String(repeating: chunk, count: 65))
        #expect(outcome.error == .chunkExtensionTooLong)
    }
}
