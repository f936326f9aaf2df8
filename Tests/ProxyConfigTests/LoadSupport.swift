import ProxyConfig
import Testing

/// Loads one file that is called `routes.yaml`.
func load(_ text: String, strict: Bool = false) -> ConfigurationResult {
    load(["routes.yaml": text], strict: strict)
}

/// Loads several files in the order of their names.
func load(_ files: [String: String], strict: Bool = false) -> ConfigurationResult {
    let sources = files.sorted { $0.key < $1.key }.map { SourceFile(name: $0.key, text: $0.value) }
    return ConfigurationLoader.load(sources, options: LoaderOptions(isStrict: strict))
}

/// The configuration of a file without errors.
func configuration(_ text: String) throws -> Configuration {
    let result = load(text)
    return try #require(result.configuration, "\(result.rendered)")
}

extension ConfigurationResult {
    /// `12:5: error: message` of each diagnostic, in order.
    var summary: [String] {
        diagnostics.map { "\($0.line):\($0.column): \($0.severity.word): \($0.message)" }
    }

    var rendered: String { diagnostics.map(\.rendered).joined(separator: "\n") }
}
