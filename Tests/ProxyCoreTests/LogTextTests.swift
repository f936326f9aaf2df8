import HTTPParser
import ProxyCore
import Testing

@Suite("Text in logs")
struct LogTextTests {
    private func text(_ bytes: [UInt8], _ write: (inout ByteWriter, Span<UInt8>) -> Void) -> String
    {
        var writer = ByteWriter(capacity: bytes.count * 6 + 16)
        write(&writer, bytes.span)
        return String(decoding: writer.copyBytes(), as: UTF8.self)
    }

    private func json(_ bytes: [UInt8]) -> String { text(bytes) { $0.append(json: $1) } }
    private func combined(_ bytes: [UInt8]) -> String { text(bytes) { $0.append(combined: $1) } }

    @Test(
        "in JSON, quotes, backslashes and controls are escaped (RFC 8259 §7)",
        arguments: [
            ("plain /text?a=b", "plain /text?a=b"), ("", ""), ("\"", "\\\""), ("\\", "\\\\"),
            ("a\nb", "a\\u000ab"), ("\u{0}\u{1F}\u{7F}", "\\u0000\\u001f\\u007f"),
            ("\u{9B}31m", "\\u009b31m"), ("\u{A0}", "\u{A0}"),
        ])
    func jsonEscapes(text: String, expected: String) {
        #expect(json(Array(text.utf8)) == expected)
    }

    @Test(
        "in JSON, characters stay as they are",
        arguments: [
            "ä", "ß x", "€", "\u{800}", "\u{D7FF}", "\u{E000}", "\u{FFFF}", "😀", "\u{10FFFF}",
        ])
    func characters(text: String) {
        #expect(json(Array("a\(text)b".utf8)) == "a\(text)b")
    }

    @Test(
        "in JSON, what is no UTF-8 is replaced a byte at a time (RFC 3629 §4)",
        arguments: [
            ([0xFF], 1), ([0xC0, 0x80], 2), ([0xC3], 1), ([0xE2, 0x82], 2),
            ([0xE0, 0x80, 0x80], 3),
            ([0xED, 0xA0, 0x80], 3), ([0xF0, 0x80, 0x80, 0x80], 4), ([0xF4, 0x90, 0x80, 0x80], 4),
            ([0xF5, 0x80, 0x80, 0x80], 4), ([0x80], 1), ([0xF0, 0x9F, 0x98], 3),
        ] as [([UInt8], Int)])
    func notUTF8(bytes: [UInt8], count: Int) {
        let expected = "a" + String(repeating: "\\ufffd", count: count) + "b"
        #expect(json([0x61] + bytes + [0x62]) == expected)
        #expect(json([0x61] + bytes) == String(expected.dropLast()))
    }

    @Test("one byte that needs it is escaped wherever it stands", arguments: 0..<40)
    func positions(position: Int) {
        for (byte, inJSON, inCombined) in [
            (0x22, "\\\"", "\\x22"), (0x5C, "\\\\", "\\x5C"), (0x1F, "\\u001f", "\\x1F"),
            (0x7F, "\\u007f", "\\x7F"), (0x80, "\\ufffd", "\\x80"), (0xFF, "\\ufffd", "\\xFF"),
        ] as [(UInt8, String, String)] {
            var bytes = [UInt8](repeating: 0x61, count: 40)
            bytes[position] = byte
            let before = String(repeating: "a", count: position)
            let after = String(repeating: "a", count: 39 - position)
            #expect(json(bytes) == before + inJSON + after)
            #expect(combined(bytes) == before + inCombined + after)
        }
    }

    @Test("in JSON, no bytes whatever make anything but UTF-8 without a control or a lone quote")
    func anyBytes() {
        for first in UInt8.min ... .max {
            for second in UInt8.min ... .max {
                let written = Array(json([first, second, 0x80]).utf8)
                #expect(String(validating: written, as: UTF8.self) != nil)
                #expect(written.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
            }
        }
    }

    @Test(
        "combined is escaped as nginx does it",
        arguments: [
            (Array("plain /text?a=b".utf8), "plain /text?a=b"), (Array("\"\\".utf8), "\\x22\\x5C"),
            ([0x00, 0x0A, 0x1F, 0x7F, 0x80, 0xFF], "\\x00\\x0A\\x1F\\x7F\\x80\\xFF"),
            (Array("ä~".utf8), "\\xC3\\xA4~"),
        ])
    func combinedEscapes(bytes: [UInt8], expected: String) {
        #expect(combined(bytes) == expected)
    }
}
