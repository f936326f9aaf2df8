public import HTTPParser

/// Finds the values of one cookie in a request head, one after the other and without allocation.
///
/// All Cookie lines are read in order. A browser sends one line, but HTTP/2 in front of us may have
/// split it. Pairs are separated by semicolons (RFC 6265 §4.2.1); a pair without `=` is skipped and
/// hides nothing. Names are compared with their case, unless told otherwise. A value is as it was
/// sent: nothing is decoded and quotes are kept.
public struct CookieScanner: Sendable {
    private let name: [UInt8]
    private let ignoresCase: Bool

    /// Where the search goes on. A new one starts at the first Cookie line.
    public struct Cursor: Sendable {
        fileprivate var fieldPosition: Int?
        /// Offset of the next pair in the bytes of the head; at the line's end, the line is done.
        fileprivate var offset = 0

        public init(in head: RequestHead) {
            fieldPosition = head.fields.position(of: .cookie)
            if let position = fieldPosition {
                offset = Int(head.fields[position].value.start)
            }
        }
    }

    /// - Parameter ignoresCase: as nginx compares the name in `$cookie_NAME`.
    public init(name: String, ignoresCase: Bool = false) {
        self.name = Array(name.utf8)
        self.ignoresCase = ignoresCase
    }

    /// The next value, which may be empty; nil when there is none.
    public func next(
        _ cursor: inout Cursor, head: RequestHead, in bytes: Span<UInt8>
    ) -> ByteRange? {
        while let position = cursor.fieldPosition {
            let end = Int(head.fields[position].value.end)
            while cursor.offset < end {
                let pairEnd = bytes.firstSemicolon(in: cursor.offset..<end)
                let value = value(ofPair: cursor.offset..<pairEnd, in: bytes)
                cursor.offset = min(pairEnd + 1, end)
                if let value { return value }
            }
            cursor.fieldPosition = head.fields.position(of: .cookie, from: position + 1)
            if let next = cursor.fieldPosition {
                cursor.offset = Int(head.fields[next].value.start)
            }
        }
        return nil
    }

    /// Appends the request's Cookie lines without the pairs of this name. A line that had no other
    /// is left out, and a line that has none stays as it was.
    public func appendOthers(
        of head: RequestHead, in bytes: Span<UInt8>, to writer: inout ByteWriter
    ) {
        var next = 0
        while let position = head.fields.position(of: .cookie, from: next) {
            next = position + 1
            let start = writer.count
            writer.append("Cookie: ")
            if appendOtherPairs(of: head.fields[position].value, in: bytes, to: &writer) {
                writer.append("\r\n")
            } else if !writer.hasOverflowed {
                writer.truncate(to: start)
            }
        }
    }

    /// False when there were none.
    private func appendOtherPairs(
        of line: ByteRange, in bytes: Span<UInt8>, to writer: inout ByteWriter
    ) -> Bool {
        var offset = Int(line.start)
        var isFirst = true
        while offset < Int(line.end) {
            let pairEnd = bytes.firstSemicolon(in: offset..<Int(line.end))
            let pair = bytes.trimmed(offset..<pairEnd)
            if value(ofPair: offset..<pairEnd, in: bytes) == nil, !pair.isEmpty {
                if !isFirst { writer.append("; ") }
                isFirst = false
                writer.append(bytes.extracting(pair))
            }
            offset = pairEnd + 1
        }
        return !isFirst
    }

    private func isName(_ text: Span<UInt8>) -> Bool {
        ignoresCase ? text.equalsIgnoringCase(name.span) : text.equals(name.span)
    }

    /// The value of this pair when its name is ours.
    private func value(ofPair pair: Range<Int>, in bytes: Span<UInt8>) -> ByteRange? {
        var index = pair.lowerBound
        while index < pair.upperBound, bytes.isWhitespace(index) { index += 1 }
        guard pair.upperBound - index > name.count else { return nil }
        guard isName(bytes.extracting(index..<index + name.count)) else { return nil }
        index += name.count
        while index < pair.upperBound, bytes.isWhitespace(index) { index += 1 }
        guard index < pair.upperBound, bytes[index] == 0x3D else { return nil }
        let value = bytes.trimmed(index + 1..<pair.upperBound)
        return ByteRange(value.lowerBound, value.upperBound)
    }
}
