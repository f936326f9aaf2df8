import StickyPolicy

/// Reads single values: each function answers the value, or reports what is wrong and answers nil.
extension Reader {
    func text(_ entry: YAMLEntry) -> String? {
        guard let text = entry.value.text, !text.isEmpty else {
            fault(entry, mustBe: "text")
            return nil
        }
        return text
    }

    /// Text that becomes part of logs, metrics and cookies.
    func name(_ entry: YAMLEntry) -> String? {
        guard let text = text(entry) else { return nil }
        guard text.utf8.count <= 253, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            fault(entry, mustBe: "at most 253 visible ASCII characters without spaces")
            return nil
        }
        return text
    }

    func integer(_ entry: YAMLEntry, in range: ClosedRange<Int>) -> Int? {
        guard let number = entry.value.plainText.flatMap({ Int($0) }), range.contains(number)
        else {
            fault(
                entry,
                mustBe: "a whole number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    func boolean(_ entry: YAMLEntry) -> Bool? {
        switch entry.value.plainText {
        case "true": return true
        case "false": return false
        default:
            fault(entry, mustBe: "true or false")
            return nil
        }
    }

    func duration(_ entry: YAMLEntry, from shortest: Duration = .zero) -> Duration? {
        let expected = "a duration such as 250ms, 5s, 2m, 1h or 30 (seconds)"
        guard let duration = entry.value.text.flatMap(Quantity.duration) else {
            fault(entry, mustBe: expected)
            return nil
        }
        guard duration >= shortest else {
            fault(entry, mustBe: "at least 1ms")
            return nil
        }
        return duration
    }

    func size(_ entry: YAMLEntry, in range: ClosedRange<UInt64> = 0...UInt64(Int64.max)) -> UInt64?
    {
        guard let size = entry.value.text.flatMap(Quantity.size) else {
            fault(entry, mustBe: "a size in bytes such as 4096, 32k, 1m or 1g")
            return nil
        }
        guard range.contains(size) else {
            fault(
                entry, mustBe: "a size from \(range.lowerBound) to \(range.upperBound) bytes")
            return nil
        }
        return size
    }

    func word<Value>(_ entry: YAMLEntry, _ words: Words<Value>) -> Value? {
        let found = entry.value.text ?? ""
        if let match = words.supported.first(where: { $0.word == found }) { return match.value }
        if words.pending.contains(found) {
            fault(
                "\(quoted(entry.key)): \(quoted(found)) is not supported yet",
                at: entry.value.position,
                help: "supported: " + words.allowed.joined(separator: ", "))
            return nil
        }
        let all = words.allowed + words.pending
        fault(
            entry, mustBe: all.count > 1 ? "one of " + all.joined(separator: ", ") : all[0],
            help: NearMiss.find(found, in: all).map { "did you mean '\($0)'?" })
        return nil
    }

    /// The items of a list, each under the list's key for messages. A wrong type is reported.
    func list(_ entry: YAMLEntry) -> some RandomAccessCollection<YAMLEntry> {
        if !entry.value.isSequence { fault(entry, mustBe: "a list") }
        // Lazily: of thousands of routes no second list is made.
        return entry.value.items.lazy.map {
            YAMLEntry(key: entry.key, keyPosition: $0.position, value: $0)
        }
    }

    func address(_ entry: YAMLEntry) -> IPAddress? {
        guard let address = entry.value.text.flatMap({ IPAddress($0) }) else {
            fault(entry, mustBe: "an IP address such as 192.0.2.1 or 2001:db8::1")
            return nil
        }
        return address
    }

    func network(_ entry: YAMLEntry) -> IPNetwork? {
        guard let network = entry.value.text.flatMap({ IPNetwork($0) }) else {
            fault(entry, mustBe: "a network such as 10.0.0.0/8 or 2001:db8::/32")
            return nil
        }
        return network
    }
}
