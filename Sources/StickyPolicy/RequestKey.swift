internal import HTTPParser

/// Finds values in the parts of a request that have no parser of their own.
enum RequestKey {
    /// The value of the first field of this name, `name` in lower case; nil when there is none.
    static func field(
        _ name: [UInt8], _ head: RequestHead, in bytes: Span<UInt8>
    ) -> ByteRange? {
        for position in 0..<head.fields.count {
            let field = head.fields[position]
            guard field.name.count == name.count else { continue }
            if bytes.extracting(field.name.offsets).equalsIgnoringCase(name.span) {
                return field.value
            }
        }
        return nil
    }

    /// The value of the first pair `name=value` of a list; names are compared without case.
    ///
    /// - Parameter separator: `&` in a query, `;` in the parameters of a path.
    static func parameter(
        _ name: [UInt8], in list: ByteRange, of bytes: Span<UInt8>, separator: UInt8
    ) -> ByteRange? {
        var start = Int(list.start)
        while start < Int(list.end) {
            var end = start
            while end < Int(list.end), bytes[end] != separator { end += 1 }
            let valueStart = start + name.count + 1
            if valueStart <= end, bytes[valueStart - 1] == 0x3D,
                bytes.extracting(start..<valueStart - 1).equalsIgnoringCase(name.span)
            {
                return ByteRange(valueStart, end)
            }
            start = end + 1
        }
        return nil
    }

    /// The value of `;name=value` behind the path or one of its elements.
    static func pathParameter(
        _ name: [UInt8], _ head: RequestHead, in bytes: Span<UInt8>
    ) -> ByteRange? {
        let path = head.path.offsets
        guard let first = bytes.firstIndex(of: 0x3B, from: path.lowerBound),
            first < path.upperBound
        else { return nil }
        let list = ByteRange(first + 1, path.upperBound)
        guard let value = parameter(name, in: list, of: bytes, separator: 0x3B) else { return nil }
        // The parameters of one element end with it.
        let slash = bytes.firstIndex(of: 0x2F, from: Int(value.start)) ?? Int(value.end)
        return ByteRange(Int(value.start), min(slash, Int(value.end)))
    }
}
