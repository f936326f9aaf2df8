/// The words that a key takes, and what each stands for.
struct Words<Value: Sendable>: Sendable {
    let supported: [(word: String, value: Value)]
    /// Known words that this version refuses.
    var pending: [String] = []

    var allowed: [String] { supported.map(\.word) }
}

/// What this version does with a key of the routes file.
indirect enum Support: Sendable {
    /// The value is read.
    case full
    /// The key is known, and only this value of it is accepted: the one that asks for nothing.
    case only(Default)

    enum Default: Sendable {
        /// The key must be absent, or say `off`.
        case absent
        case duration(Duration)
        case size(UInt64)
        case count(Int)
        case word(String)
        case emptyList
        case mapping(Schema)
    }
}

/// The keys of one mapping of the short form.
struct Schema: Sendable {
    /// What the mapping describes, for messages: `a service`.
    let subject: String
    let keys: [(name: String, support: Support)]

    var names: [String] { keys.map(\.name) }
}
