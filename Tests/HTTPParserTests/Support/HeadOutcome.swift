import HTTPParser
import Testing

/// What became of a head that a parser was shown.
enum HeadOutcome<Head: Equatable & Sendable>: Equatable, Sendable {
    case needMore
    case complete(Head, byteCount: Int)
    case refused(ParseError)

    var head: Head? {
        if case .complete(let head, _) = self { head } else { nil }
    }

    var byteCount: Int? {
        if case .complete(_, let byteCount) = self { byteCount } else { nil }
    }
}

/// Offsets at which a message is cut: each list says how much has arrived by each call.
func everySplit(ofCount count: Int) -> [[Int]] {
    var splits = [[count], Array(0...count)]
    for cut in 0...count { splits.append([cut, count]) }
    return splits
}

/// Shows growing prefixes of `bytes`, as a connection does, until there is an answer.
func feed<Head>(
    _ bytes: [UInt8], arriving ends: [Int],
    to parse: (Span<UInt8>, inout Int) -> HeadOutcome<Head>
) -> HeadOutcome<Head> {
    let memory = GuardedMemory(capacity: bytes.count)
    var scannedCount = 0
    for end in ends {
        let outcome = memory.withBytes(bytes[..<end]) { parse($0, &scannedCount) }
        if outcome != .needMore { return outcome }
    }
    return .needMore
}

/// The outcome for `bytes`, which has to be the same for every way to cut them.
func outcome<Head>(
    of bytes: [UInt8], by parse: (Span<UInt8>, inout Int) -> HeadOutcome<Head>
) -> HeadOutcome<Head> {
    let whole = feed(bytes, arriving: [bytes.count], to: parse)
    for ends in everySplit(ofCount: bytes.count) {
        let cut = feed(bytes, arriving: ends, to: parse)
        #expect(cut == whole, "cut at \(ends.count == 2 ? ends[0] : -1)")
    }
    return whole
}

/// A field as text.
struct TextField: Equatable, Sendable, CustomStringConvertible {
    var name: String
    var value: String

    var description: String { "\(name): \(value)" }
}

/// The bytes of `range` as text, one character a byte, so that nothing is lost or repaired.
func text(_ bytes: Span<UInt8>, _ range: ByteRange) -> String {
    String(String.UnicodeScalarView(range.offsets.map { Unicode.Scalar(bytes[$0]) }))
}

/// The bytes of a text, each scalar below U+0100 one byte: `\u{80}` is the byte 0x80.
func latin1(_ text: String) -> [UInt8] {
    text.unicodeScalars.map { UInt8($0.value) }
}

func textFields(_ fields: FieldSection, in bytes: Span<UInt8>) -> [TextField] {
    (0..<fields.count).map { position in
        TextField(
            name: text(bytes, fields[position].name), value: text(bytes, fields[position].value))
    }
}
