/// What one parse came to; the error stands for itself.
enum FuzzOutcome: Equatable {
    case needMore
    case complete(byteCount: Int)
    case refused(ParseError)
}

/// Small, so that short inputs reach them.
let fuzzLimits = ParserLimits(headBytesMax: 1024, targetBytesMax: 256, fieldCountMax: 24)

/// A copy of the input in memory of exactly its size, so that the address sanitizer sees a read
/// beyond it, with a line feed behind it: with that every broken line has ended, and pieces and the
/// whole have to come to the same answer.
func fuzzInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    // SAFETY: libFuzzer passes `count` bytes at `start` for the length of the call.
    unsafe Array(UnsafeBufferPointer(start: start, count: count)) + [0x0A]
}

/// The lengths of the pieces in which to show an input: a byte at a time while that is cheap, and
/// one other length that is always the same for the same input.
func pieceLengths(for bytes: [UInt8]) -> [Int] {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let length = 2 + Int(hash >> 32 & 0x3F)
    return bytes.count <= 256 ? [1, length] : [length]
}

/// Shows growing prefixes of `bytes` until there is an answer.
func feed(
    _ bytes: [UInt8], by step: Int, to parse: (Span<UInt8>, inout Int) -> FuzzOutcome
) -> FuzzOutcome {
    var scannedCount = 0
    var end = 0
    while end < bytes.count {
        end = min(end + step, bytes.count)
        // A copy for each piece: reading beyond it is reading beyond an allocation.
        let piece = Array(bytes[..<end])
        let outcome = parse(piece.span, &scannedCount)
        if outcome != .needMore { return outcome }
    }
    return .needMore
}

/// RFC 9112 §2.2: a head that was accepted has no CR without LF and no LF without CR, wherever
/// another reader might look for them.
func checkLineEnds(_ bytes: Span<UInt8>) {
    for offset in 0..<bytes.count {
        if bytes[offset] == 0x0A { precondition(offset > 0 && bytes[offset - 1] == 0x0D) }
        if bytes[offset] == 0x0D {
            precondition(offset + 1 < bytes.count && bytes[offset + 1] == 0x0A)
        }
    }
}

/// Each line lies behind the one before it, its parts within it, and the empty line behind all.
func checkFields(_ fields: FieldSection, in head: Span<UInt8>) {
    var end: UInt32?
    for position in 0..<fields.count {
        let field = fields[position]
        precondition(end == nil || field.name.start == end)
        precondition(field.name.start < field.name.end && field.name.end < field.value.start + 1)
        precondition(field.value.start <= field.value.end && field.value.end + 2 <= field.lineEnd)
        precondition(head[Int(field.name.end)] == 0x3A)
        for offset in field.name.offsets { precondition(CharacterClass.isToken(head[offset])) }
        for offset in field.value.offsets {
            precondition(CharacterClass.isFieldValue(head[offset]))
        }
        precondition(field.known == .classify(head.extracting(field.name.offsets)))
        end = field.lineEnd
    }
    precondition(fields.count <= fuzzLimits.fieldCountMax)
    precondition(end == nil || Int(end!) + 2 == head.count)
}

/// Reads all that a proxy reads from the fields of an accepted head.
func checkConnection(_ fields: FieldSection, in head: Span<UInt8>) {
    guard let options = try? ConnectionOptions(fields, in: head) else { return }
    for position in 0..<fields.count {
        let name = head.extracting(fields[position].name.offsets)
        let isNominated = options.nominates(name, fields, in: head)
        precondition(!isNominated || options.hasOtherTokens)
    }
}
