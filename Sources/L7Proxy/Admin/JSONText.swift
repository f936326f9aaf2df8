/// JSON (RFC 8259) as it is written: values one behind the other, with the commas put in.
struct JSONText {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    mutating func object(_ body: (inout JSONText) -> Void) {
        enclose("{", "}", body)
    }

    mutating func array<Elements: Sequence>(
        _ elements: Elements, _ body: (inout JSONText, Elements.Element) -> Void
    ) {
        enclose("[", "]") { text in
            for element in elements { body(&text, element) }
        }
    }

    /// A member of an object: its name; the value follows.
    mutating func key(_ name: StaticString) {
        separate()
        appendQuoted("\(name)")
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    mutating func value(_ text: String) {
        separate()
        appendQuoted(text)
        needsComma = true
    }

    mutating func value(_ number: some BinaryInteger) {
        appendPlain("\(number)")
    }

    mutating func value(_ isTrue: Bool) {
        appendPlain(isTrue ? "true" : "false")
    }

    mutating func null() {
        appendPlain("null")
    }

    mutating func member(_ name: StaticString, _ text: String) {
        key(name)
        value(text)
    }

    mutating func member(_ name: StaticString, _ number: some BinaryInteger) {
        key(name)
        value(number)
    }

    mutating func member(_ name: StaticString, _ isTrue: Bool) {
        key(name)
        value(isTrue)
    }

    private mutating func enclose(
        _ open: StaticString, _ close: StaticString, _ body: (inout JSONText) -> Void
    ) {
        separate()
        bytes += "\(open)".utf8
        needsComma = false
        body(&self)
        bytes += "\(close)".utf8
        needsComma = true
    }

    private mutating func appendPlain(_ text: String) {
        separate()
        bytes += text.utf8
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func appendQuoted(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                bytes += (byte < 16 ? "\\u000" : "\\u00").utf8
                bytes += String(byte, radix: 16).utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
