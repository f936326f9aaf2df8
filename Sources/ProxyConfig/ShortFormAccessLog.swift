/// Reads `accessLog`: a mapping of `format` and `path`, or `off`.
struct ShortFormAccessLog {
    let reader: Reader
    let file: SourceFile

    /// The word of the contract for no log, beside the formats.
    private static let formats = Words<AccessLogRule.Format?>(
        supported: AccessLogRule.Format.allCases.map { ($0.rawValue, $0) } + [("off", nil)])

    /// Nil for no log, and after a fault.
    func rule(_ entry: YAMLEntry) -> AccessLogRule? {
        if entry.value.text == "off" { return nil }
        guard let keys = reader.fields(entry, ShortFormSchema.accessLog) else { return nil }
        var rule = AccessLogRule(format: .json, path: "/dev/stdout")
        if let path = keys["path"].flatMap(reader.text) { rule.path = file.resolve(path) }
        if let written = keys["format"] {
            guard let format = reader.word(written, ShortFormAccessLog.formats) ?? nil else {
                return nil
            }
            rule.format = format
        }
        return rule
    }
}
