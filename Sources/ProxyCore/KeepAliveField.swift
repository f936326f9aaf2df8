import HTTPParser

/// The Keep-Alive field of a response: not in any current RFC, and sent by most servers.
package enum KeepAliveField {
    /// The seconds of `timeout=N`, or nil.
    package static func timeout(_ value: Span<UInt8>) -> UInt32? {
        let name: StaticString = "timeout="
        let length = name.utf8CodeUnitCount
        guard value.count > length else { return nil }
        for start in 0..<(value.count - length)
        where value.extracting(start..<(start + length)).equalsIgnoringCase(name) {
            return number(value, from: start + length)
        }
        return nil
    }

    private static func number(_ value: Span<UInt8>, from start: Int) -> UInt32? {
        var result: UInt32?
        var index = start
        while index < value.count, value[index] >= 0x30, value[index] <= 0x39 {
            // A day is more than anybody means; the digits behind it change nothing.
            result = min((result ?? 0) * 10 + UInt32(value[index] - 0x30), 86_400)
            index += 1
        }
        return result
    }
}
