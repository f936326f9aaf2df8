package import HTTPParser

/// How many more hops a request may take (RFC 9110 §7.6.2). Only OPTIONS is asked: TRACE goes
/// nowhere, and with any other method the field means nothing.
package enum MaxForwards {
    /// The most that is passed on; whoever sends more means no bound.
    private static let most: UInt32 = 255

    /// The field's value, `most + 1` for all that is more; nil without the field.
    package static func value(
        of head: RequestHead, in bytes: Span<UInt8>
    ) throws(ParseError) -> UInt32? {
        var hops: UInt32?
        for position in 0..<head.fields.count {
            let field = head.fields[position]
            guard field.known == .other, isName(bytes.extracting(field.name.offsets)) else {
                continue
            }
            guard hops == nil else { throw .invalidMaxForwards }
            hops = try number(bytes.extracting(field.value.offsets))
        }
        return hops
    }

    static func isName(_ name: Span<UInt8>) -> Bool {
        name.equalsIgnoringCase("max-forwards")
    }

    private static func number(_ digits: Span<UInt8>) throws(ParseError) -> UInt32 {
        guard !digits.isEmpty else { throw .invalidMaxForwards }
        var number: UInt32 = 0
        for index in digits.indices {
            guard CharacterClass.isDigit(digits[index]) else { throw .invalidMaxForwards }
            number = min(number * 10 + UInt32(digits[index] - 0x30), most + 1)
        }
        return number
    }
}
