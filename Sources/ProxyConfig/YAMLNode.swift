/// A value of a YAML document, with the place where it stands.
///
/// A cluster's objects are millions of these: the order of the fields leaves no gap.
struct YAMLNode: Sendable {
    var content: Content
    var position: Position

    init(position: Position, content: Content) {
        self.position = position
        self.content = content
    }

    enum Content: Sendable {
        /// A plain (unquoted) scalar is text too: whoever reads it knows what type it needs.
        case scalar(String, isQuoted: Bool)
        case sequence([YAMLNode])
        case mapping([YAMLEntry])
    }

    /// The text of a scalar, unless it is a plain `null`, `~` or nothing at all.
    var text: String? {
        guard case .scalar(let text, _) = content, !isNull else { return nil }
        return text
    }

    /// The text of a scalar that was not quoted: what may be a number or a truth value.
    var plainText: String? {
        guard case .scalar(_, isQuoted: false) = content else { return nil }
        return text
    }

    var isNull: Bool {
        guard case .scalar(let text, isQuoted: false) = content else { return false }
        return text.isEmpty || text == "~" || text == "null" || text == "Null" || text == "NULL"
    }

    /// Empty unless this is a sequence.
    var items: [YAMLNode] {
        guard case .sequence(let items) = content else { return [] }
        return items
    }

    /// Empty unless this is a mapping.
    var entries: [YAMLEntry] {
        guard case .mapping(let entries) = content else { return [] }
        return entries
    }

    var isMapping: Bool {
        guard case .mapping = content else { return false }
        return true
    }

    var isSequence: Bool {
        guard case .sequence = content else { return false }
        return true
    }

    /// The value of a key that is present and not null. Linear: for mappings of few keys.
    subscript(key: String) -> YAMLNode? {
        entry(key)?.value
    }

    func entry(_ key: String) -> YAMLEntry? {
        entries.first { $0.key == key && !$0.value.isNull }
    }

    /// What was found, for a message.
    var found: String {
        switch content {
        case .scalar(let text, _): isNull ? "nothing" : quoted(text)
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}

struct YAMLEntry: Sendable {
    var key: String
    var value: YAMLNode
    var keyPosition: Position

    init(key: String, keyPosition: Position, value: YAMLNode) {
        self.key = key
        self.keyPosition = keyPosition
        self.value = value
    }
}
