import Testing

@testable import HTTPParser

/// The scans look at sixteen bytes a step and at the rest one by one; both have to agree with the
/// class of a single byte, wherever the byte stands.
@Suite("Byte scans")
struct ByteScanTests {
    private typealias Scan = (Span<UInt8>, Int) -> Int

    /// Tests every byte at every position of texts that surround the length of a block.
    private func check(_ scan: Scan, filler: UInt8, stopsAt: (UInt8) -> Bool) {
        let memory = GuardedMemory(capacity: 64)
        for count in [1, 16, 17, 33] {
            for position in [0, 1, 14, 15, 16, 17, 31, 32] where position < count {
                for byte in UInt8.min...UInt8.max {
                    var bytes = [UInt8](repeating: filler, count: count)
                    bytes[position] = byte
                    let expected = stopsAt(byte) ? position : count
                    let found = memory.withBytes(bytes[...]) { scan($0, 0) }
                    guard found == expected else {
                        Issue.record("byte \(byte) at \(position) of \(count): \(found)")
                        return
                    }
                }
            }
        }
    }

    @Test("the end of a value is its first control")
    func controls() {
        check(
            { $0.firstControl(from: $1) }, filler: 0x61,
            stopsAt: { !CharacterClass.isFieldValue($0) })
        check(
            { $0.firstControl(from: $1) }, filler: 0x09,
            stopsAt: { !CharacterClass.isFieldValue($0) })
    }

    @Test("the end of a name is its first byte that is no tchar")
    func tokens() {
        check(
            { $0.firstNonToken(from: $1) }, filler: 0x2D, stopsAt: { !CharacterClass.isToken($0) })
        check(
            { $0.firstNonToken(from: $1) }, filler: 0x39, stopsAt: { !CharacterClass.isToken($0) })
    }

    @Test("the end of a pair is a semicolon, or where the line ends")
    func semicolons() {
        check(
            { $0.firstSemicolon(in: $1..<$0.count) }, filler: 0x61, stopsAt: { $0 == 0x3B })
        let line = [UInt8](repeating: 0x3B, count: 40)
        for end in 0...40 { #expect(line.span.firstSemicolon(in: end..<end) == end) }
        let text = [UInt8](repeating: 0x61, count: 40) + line
        for start in 0...40 {
            for end in start...40 { #expect(text.span.firstSemicolon(in: start..<end) == end) }
        }
    }

    @Test("the end of a target part is a delimiter or a byte that is not visible ASCII")
    func targets() {
        check(
            { $0.firstTargetDelimiter(from: $1) }, filler: 0x2F,
            stopsAt: {
                !(0x21...0x7E).contains($0) || $0 == 0x23 || $0 == 0x3F
            })
    }

    @Test("the common part of a host name ends at its first other byte")
    func hosts() {
        check(
            { $0.firstUncommonInHost(from: $1) }, filler: 0x2E,
            stopsAt: {
                !CharacterClass.isCommonInHost($0)
            })
    }

    private func hasLineFeed(_ bytes: [UInt8], from start: Int) -> Bool {
        bytes.span.containsLineFeed(from: start)
    }

    @Test("a line feed is found at every position behind the start, and none before it")
    func lineFeeds() {
        for count in [1, 15, 16, 17, 33] {
            for position in 0..<count {
                var bytes = [UInt8](repeating: 0x0D, count: count)
                #expect(!hasLineFeed(bytes, from: position))
                bytes[position] = 0x0A
                #expect(hasLineFeed(bytes, from: 0))
                #expect(hasLineFeed(bytes, from: position))
                #expect(!hasLineFeed(bytes, from: position + 1))
            }
        }
    }

    private func isPlainPath(_ bytes: [UInt8]) -> Bool { bytes.span.isPlainPath }

    @Test(
        "what makes a path another one to some reader is found wherever it stands",
        arguments: ["%", "\\", "//", "/.", "/..", "/%", "/\\"])
    func plainPaths(oddity: String) {
        let odd = latin1(oddity)
        for count in 0...50 {
            for filler in [UInt8(0x61), 0x2E] {
                let plain = [UInt8](repeating: filler, count: count)
                #expect(isPlainPath(plain))
                for position in 0...count {
                    let path = plain[..<position] + odd + plain[position...]
                    #expect(!isPlainPath(Array(path)))
                }
            }
        }
    }

    @Test("slashes, dots and their like alone make no path another one")
    func plainSlashes() {
        for text in ["/", ".", "..", "a/", "/a.b/c./d", "/a./b?%2e", "a.//"] {
            let isPlain = text != "/a./b?%2e" && text != "a.//"
            for count in 0...40 {
                let bytes = [UInt8](repeating: 0x61, count: count) + latin1(text)
                #expect(isPlainPath(bytes) == isPlain)
            }
        }
    }

    @Test("a scan begins where it is told to, and finds nothing at the end")
    func starts() {
        let bytes = latin1("\0\0" + String(repeating: "a", count: 40) + "\0")
        let span = bytes.span
        for start in 2...42 {
            let found = span.firstControl(from: start)
            #expect(found == 42)
        }
        let atEnd = [
            span.firstControl(from: 43), span.firstNonToken(from: 43),
            span.firstTargetDelimiter(from: 43), span.firstUncommonInHost(from: 43),
        ]
        #expect(atEnd == [43, 43, 43, 43])
    }
}
