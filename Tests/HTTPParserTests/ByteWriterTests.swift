import HTTPParser
import Testing

@Suite("Byte writer")
struct ByteWriterTests {
    private func written(
        capacity: Int = 64, _ write: (inout ByteWriter) -> Void
    ) -> (text: String, hasOverflowed: Bool) {
        var writer = ByteWriter(capacity: capacity)
        write(&writer)
        let bytes = writer.copyBytes()
        return (text(bytes.span, ByteRange(0, bytes.count)), writer.hasOverflowed)
    }

    @Test("what is appended stands there in order")
    func order() {
        let source = latin1("0123456789")
        let result = written {
            $0.append(0x41)
            $0.append("literal")
            $0.append(latin1("\u{80}\u{FF}"))
            $0.append(source.span)
            $0.append(source.span, ByteRange(2, 5))
            $0.append(source.span, ByteRange(10, 10))
            $0.append("")
            $0.append([])
            $0.append("\r\n")
        }
        #expect(result == ("Aliteral\u{80}\u{FF}0123456789234\r\n", false))
    }

    @Test(
        "numbers are written without leading zeros",
        arguments: [
            (0, "0", "0"), (9, "9", "9"), (10, "10", "a"), (99, "99", "63"), (100, "100", "64"),
            (255, "255", "ff"), (256, "256", "100"), (999, "999", "3e7"), (1000, "1000", "3e8"),
            (8080, "8080", "1f90"), (9999, "9999", "270f"), (10_000, "10000", "2710"),
            (1_000_000, "1000000", "f4240"),
            (UInt64.max, "18446744073709551615", "ffffffffffffffff"),
        ] as [(UInt64, String, String)])
    func numbers(number: UInt64, decimal: String, hexadecimal: String) {
        #expect(written { $0.append(decimal: number) }.text == decimal)
        #expect(written { $0.append(hexadecimal: number) }.text == hexadecimal)
    }

    @Test(
        "sixteen digits are sixteen digits",
        arguments: [
            (0, "0000000000000000"), (0x0123_4567_89AB_CDEF, "0123456789abcdef"),
            (0xFEDC_BA98_7654_3210, "fedcba9876543210"), (UInt64.max, "ffffffffffffffff"),
            (10, "000000000000000a"), (0x9A9A_0000_0000_9A9A, "9a9a000000009a9a"),
        ] as [(UInt64, String)])
    func fixedHexadecimal(number: UInt64, digits: String) {
        #expect(written(capacity: 16) { $0.append(fixedHexadecimal: number) } == (digits, false))
        #expect(written(capacity: 15) { $0.append(fixedHexadecimal: number) } == ("", true))
    }

    @Test("four bytes are written whole or not at all", arguments: 0...5)
    func fourBytes(capacity: Int) {
        let result = written(capacity: capacity) { $0.append(fourBytes: 0x6463_6261) }
        #expect(result == (capacity < 4 ? ("", true) : ("abcd", false)))
    }

    @Test("a number that just fits is whole, and one digit more is too many", arguments: 1...5)
    func room(digitCount: Int) {
        let number = (1...digitCount).reduce(UInt64(0)) { $0 * 10 + UInt64($1) }
        let tooLong = number * 10 + 1
        #expect(
            written(capacity: digitCount) { $0.append(decimal: number) } == ("\(number)", false))
        #expect(written(capacity: digitCount) { $0.append(decimal: tooLong) } == ("", true))
    }

    @Test("what follows a number overwrites nothing of it", arguments: 4...9)
    func behindNumbers(capacity: Int) {
        let result = written(capacity: capacity) {
            $0.append(decimal: 7)
            $0.append(decimal: 42)
            $0.append(0x2E)
        }
        #expect(result == ("742.", false))
    }

    @Test("a writer that has overflowed stays so when its end is taken back")
    func truncatedOverflow() {
        let result = written(capacity: 4) {
            $0.append("abc")
            $0.append("de")
            $0.truncate(to: 1)
            $0.append("f")
        }
        #expect(result == ("a", true))
    }

    @Test("a buffer can be filled to its last byte")
    func full() {
        #expect(written(capacity: 4) { $0.append("abcd") } == ("abcd", false))
        #expect(written(capacity: 4) { $0.append(latin1("abcd")) } == ("abcd", false))
        #expect(written(capacity: 3) { $0.append(decimal: 100) } == ("100", false))
        #expect(written(capacity: 2) { $0.append(hexadecimal: 255) } == ("ff", false))
        #expect(written(capacity: 1) { $0.append(0x41) } == ("A", false))
    }

    @Test("what does not fit is left out whole, and said so")
    func overflow() {
        #expect(written(capacity: 4) { $0.append("abcde") } == ("", true))
        #expect(written(capacity: 4) { $0.append(latin1("abcde")) } == ("", true))
        #expect(written(capacity: 2) { $0.append(decimal: 100) } == ("", true))
        #expect(written(capacity: 1) { $0.append(hexadecimal: 255) } == ("", true))
        #expect(written(capacity: 0) { $0.append(0x41) } == ("", true))
        #expect(written(capacity: 0) { $0.append("") } == ("", false))
    }

    @Test("after an overflow nothing more is written, so that no part is missing in the middle")
    func afterOverflow() {
        let result = written(capacity: 4) {
            $0.append("abc")
            $0.append("de")
            $0.append("f")
            $0.append(0x67)
            $0.append(decimal: 1)
        }
        #expect(result == ("abc", true))
    }

    @Test("emptying a writer forgets the overflow")
    func removeAll() {
        let result = written(capacity: 4) {
            $0.append("abcde")
            $0.removeAll()
            $0.append("xyz")
        }
        #expect(result == ("xyz", false))
    }

    @Test("truncating takes back the end")
    func truncate() {
        let result = written {
            $0.append("abc")
            let mark = $0.count
            $0.append("def")
            $0.truncate(to: mark)
            $0.append("g")
        }
        #expect(result == ("abcg", false))
    }

    @Test("what was written can be written again, as far as it was and as far as it fits")
    func again() {
        let result = written(capacity: 10) {
            $0.append("abcd")
            $0.appendAgain(ByteRange(1, 3))
            $0.appendAgain(ByteRange(2, 2))
            $0.appendAgain(ByteRange(0, 7))
            $0.appendAgain(ByteRange(3, 2))
            $0.appendAgain(ByteRange(2, 6))
        }
        #expect(result == ("abcdbccdbc", false))
        let tooMuch = written(capacity: 5) {
            $0.append("abc")
            $0.appendAgain(ByteRange(0, 3))
        }
        #expect(tooMuch == ("abc", true))
    }

    @Test("the room left is the capacity without what was written")
    func freeCapacity() {
        var writer = ByteWriter(capacity: 10)
        #expect(writer.capacity == 10 && writer.freeCapacity == 10)
        writer.append("abc")
        #expect(writer.count == 3 && writer.freeCapacity == 7)
    }

    @Test("an empty writer shows no bytes")
    func empty() {
        let writer = ByteWriter(capacity: 8)
        #expect(writer.withBytes { $0.count } == 0)
        #expect(ByteWriter(capacity: 0).copyBytes() == [])
    }
}
