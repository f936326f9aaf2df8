/// The character classes of RFC 9110 §5.6 and RFC 3986 §2, each as a bitmap of the 128 ASCII codes.
///
/// The bitmaps are constants in the code, two registers each. A table in a global would be set up
/// lazily and looked up in memory for every byte.
public enum CharacterClass {
    /// `tchar`: letters, digits and ``!#$%&'*+-.^_`|~`` (RFC 9110 §5.6.2).
    @inlinable @inline(__always)
    public static func isToken(_ byte: UInt8) -> Bool {
        contains(byte, low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE)
    }

    /// What a field value may hold: HTAB, SP, VCHAR and obs-text (RFC 9110 §5.5).
    @inlinable @inline(__always)
    public static func isFieldValue(_ byte: UInt8) -> Bool {
        (byte >= 0x20 && byte != 0x7F) || byte == 0x09
    }

    @inlinable @inline(__always)
    public static func isWhitespace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09
    }

    @inlinable @inline(__always)
    public static func isDigit(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10
    }

    /// The value of a hexadecimal digit of either case, or nil.
    @inlinable @inline(__always)
    public static func hexValue(_ byte: UInt8) -> UInt8? {
        let digit = byte &- 0x30
        if digit < 10 { return digit }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter + 10 : nil
    }

    /// What a host name may hold besides `%` and two hexadecimal digits: `unreserved` and
    /// `sub-delims` of RFC 3986 §3.2.2, without the comma. A comma in Host is how two Host fields
    /// that somebody joined look, and no name has one.
    @inlinable @inline(__always)
    internal static func isHostName(_ byte: UInt8) -> Bool {
        contains(byte, low: 0x2BFF_6FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    }

    /// The letters, digits, `-` and `.` that nearly all host names are made of.
    @inlinable @inline(__always)
    internal static func isCommonInHost(_ byte: UInt8) -> Bool {
        contains(byte, low: 0x03FF_6000_0000_0000, high: 0x07FF_FFFE_07FF_FFFE)
    }

    /// What a request target may hold but its delimiters `?` and `#`: visible ASCII.
    @inlinable @inline(__always)
    internal static func isTargetPart(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != 0x23 && byte != 0x3F
    }

    /// What stands for itself between two quotes in a log: printable ASCII but for quotes and
    /// backslashes.
    @inline(__always)
    internal static func isQuotable(_ byte: UInt8) -> Bool {
        contains(byte, low: 0xFFFF_FFFB_0000_0000, high: 0x7FFF_FFFF_EFFF_FFFF)
    }

    /// What base64 is written with, padding apart (RFC 4648 §4).
    internal static func isBase64(_ byte: UInt8) -> Bool {
        contains(byte, low: 0x03FF_8800_0000_0000, high: 0x07FF_FFFE_07FF_FFFE)
    }

    @inlinable @inline(__always)
    internal static func contains(_ byte: UInt8, low: UInt64, high: UInt64) -> Bool {
        let word = byte & 0x40 == 0 ? low : high
        return byte < 0x80 && word &>> UInt64(byte & 0x3F) & 1 != 0
    }
}

/// The bytes that the grammar names.
internal enum ASCII {
    static var tab: UInt8 { 0x09 }
    static var lineFeed: UInt8 { 0x0A }
    static var carriageReturn: UInt8 { 0x0D }
    static var space: UInt8 { 0x20 }
    static var quote: UInt8 { 0x22 }
    static var hash: UInt8 { 0x23 }
    static var percent: UInt8 { 0x25 }
    static var asterisk: UInt8 { 0x2A }
    static var comma: UInt8 { 0x2C }
    static var dot: UInt8 { 0x2E }
    static var slash: UInt8 { 0x2F }
    static var colon: UInt8 { 0x3A }
    static var semicolon: UInt8 { 0x3B }
    static var equals: UInt8 { 0x3D }
    static var question: UInt8 { 0x3F }
    static var openBracket: UInt8 { 0x5B }
    static var backslash: UInt8 { 0x5C }
    static var closeBracket: UInt8 { 0x5D }
}
