import HTTPParser
import Testing

@Suite("Comparing with words of the protocol")
struct ASCIIComparisonTests {
    private static let alphabet: [UInt8] = Array(0x00...0x7F) + [0x80, 0xC1, 0xE1, 0xFF]

    /// Whether exactly the spellings of `bytes` in other cases are equal to it, for each byte.
    private func isCaseOnly(
        _ text: String, _ isEqual: (Span<UInt8>) -> Bool
    ) -> Bool {
        let bytes = latin1(text)
        for position in bytes.indices {
            for byte in ASCIIComparisonTests.alphabet {
                var changed = bytes
                changed[position] = byte
                let isLetter = (0x41...0x5A).contains(byte)
                let isSame = (isLetter ? byte | 0x20 : byte) == bytes[position]
                if isEqual(changed.span) != isSame { return false }
            }
        }
        return isEqual(bytes.span)
    }

    @Test("texts are the same that are so byte for byte, at every length", arguments: 0...25)
    func bytes(count: Int) {
        let text = (0..<count).map { UInt8($0 + 0x41) }
        func isEqual(_ other: [UInt8]) -> Bool { text.span.equals(other.span) }
        #expect(isEqual(Array(text)))
        #expect(!isEqual(text + [0]))
        for position in text.indices {
            var other = text
            other[position] ^= 0x20
            #expect(!isEqual(other))
        }
    }

    @Test("only letters have a case, at every length of a word")
    func ignoringCase() {
        #expect(isCaseOnly("a") { $0.equalsIgnoringCase("a") })
        #expect(isCaseOnly("-") { $0.equalsIgnoringCase("-") })
        #expect(isCaseOnly("te") { $0.equalsIgnoringCase("te") })
        #expect(isCaseOnly("a-z") { $0.equalsIgnoringCase("a-z") })
        #expect(isCaseOnly("host") { $0.equalsIgnoringCase("host") })
        #expect(isCaseOnly("@[`{~") { $0.equalsIgnoringCase("@[`{~") })
        #expect(isCaseOnly("http://") { $0.equalsIgnoringCase("http://") })
        #expect(isCaseOnly("https://") { $0.equalsIgnoringCase("https://") })
        #expect(isCaseOnly("x-real_ip") { $0.equalsIgnoringCase("x-real_ip") })
        #expect(isCaseOnly("http2-settings!^|") { $0.equalsIgnoringCase("http2-settings!^|") })
        #expect(
            isCaseOnly("sec-websocket-version") { $0.equalsIgnoringCase("sec-websocket-version") })
    }

    @Test("two texts of the wire are compared alike")
    func spans() {
        for text in ["", "a", "x-a_b", "www.example.com:8080", "[::a]@`{z"] {
            let other = latin1(text)
            #expect(isCaseOnly(text) { $0.equalsIgnoringCase(other.span) })
        }
    }

    @Test("without case folding every byte counts")
    func exact() {
        let bytes = latin1("HTTP/1.1")
        let isEqual = bytes.span.equals("HTTP/1.1")
        #expect(isEqual)
        for position in bytes.indices {
            for byte in UInt8.min...UInt8.max where byte != bytes[position] {
                var changed = bytes
                changed[position] = byte
                let isEqual = changed.span.equals("HTTP/1.1")
                #expect(!isEqual)
            }
        }
    }

    @Test("texts of other lengths are other texts")
    func lengths() {
        let bytes = latin1("close")
        let span = bytes.span
        let wrong = [
            span.equals("clos"), span.equals("closed"), span.equals(""),
            span.equalsIgnoringCase("clos"), span.equalsIgnoringCase("closed"),
        ]
        #expect(wrong == [false, false, false, false, false])
        let nothing = span.extracting(0..<0)
        let right = [nothing.equals(""), nothing.equalsIgnoringCase("")]
        #expect(right == [true, true])
    }
}
