/// The keys of one mapping that were known and may be read. Null values are absent.
struct Fields {
    private let entries: [YAMLEntry]
    let position: Position

    fileprivate init(entries: [YAMLEntry], position: Position) {
        self.entries = entries
        self.position = position
    }

    subscript(key: String) -> YAMLEntry? {
        entries.first { $0.key == key }
    }
}

extension Reader {
    /// Checks the keys of a mapping against its schema, and reports unknown keys and keys that this
    /// version does not support. Nil when the value is no mapping.
    func fields(_ entry: YAMLEntry, _ schema: Schema) -> Fields? {
        guard entry.value.isMapping else {
            fault(entry, mustBe: "a mapping")
            return nil
        }
        return fields(of: entry.value, schema)
    }

    func fields(of node: YAMLNode, _ schema: Schema) -> Fields {
        var known: [YAMLEntry] = []
        for entry in node.entries {
            guard let key = schema.keys.first(where: { $0.name == entry.key }) else {
                reportUnknown(entry, schema)
                continue
            }
            if entry.value.isNull { continue }
            switch key.support {
            case .full: known.append(entry)
            case .only(let accepted): check(entry, accepted)
            }
        }
        return Fields(entries: known, position: node.position)
    }

    private func reportUnknown(_ entry: YAMLEntry, _ schema: Schema) {
        fault(
            "unknown key \(quoted(entry.key)) in \(schema.subject)", at: entry.keyPosition,
            help: NearMiss.help(entry.key, allowed: schema.names))
    }

    /// Refuses a value of a known key that asks for something this version cannot do.
    private func check(_ entry: YAMLEntry, _ accepted: Support.Default) {
        let text = entry.value.text
        switch accepted {
        case .absent:
            if text != "off" { reportUnsupported(entry, accepted: nil) }
        case .word(let word):
            if text != word { reportUnsupported(entry, accepted: word) }
        case .count(let count):
            guard let number = integer(entry, in: 0...Int(Int32.max)) else { return }
            if number != count { reportUnsupported(entry, accepted: String(count)) }
        case .duration(let duration):
            guard let found = self.duration(entry) else { return }
            if found != duration { reportUnsupported(entry, accepted: render(duration)) }
        case .size(let size):
            guard let found = self.size(entry) else { return }
            if found != size { reportUnsupported(entry, accepted: String(size)) }
        case .emptyList:
            if !list(entry).isEmpty { reportUnsupported(entry, accepted: "[]") }
        case .mapping(let schema):
            _ = fields(entry, schema)
        }
    }

    private func reportUnsupported(_ entry: YAMLEntry, accepted: String?) {
        let help = accepted.map { "only its default, \($0), is accepted" } ?? "leave the key out"
        fault("\(quoted(entry.key)) is not supported yet", at: entry.keyPosition, help: help)
    }

    private func render(_ duration: Duration) -> String {
        "\(duration.components.seconds)s"
    }
}
