/// Reads the trailer section behind the last chunk (RFC 9112 §7.1.2), once all of it is at hand.
public enum TrailerParser {
    /// 64: far more than anybody announces.
    private static var fieldCountMax: Int { 64 }

    /// The fields of a whole section with its empty line; false, and nothing of use in `fields`,
    /// for more of them than are read. Its bytes have passed `ChunkedDecoder`.
    public static func parse(_ bytes: Span<UInt8>, into fields: inout FieldSection) -> Bool {
        fields.removeAll()
        var offset = 0
        let isWhole = try? FieldParser.parse(
            bytes, from: &offset, countMax: fieldCountMax, into: &fields)
        return isWhole == true && offset == bytes.count
    }
}
