import ProxyCore
import StickyPolicy

/// A configuration, or why there is none.
package struct ConfigurationResult: Sendable {
    /// Nil exactly when `diagnostics` holds an error.
    package var configuration: Configuration?
    /// In the order of the files and lines.
    package var diagnostics: [Diagnostic]
}

/// How strictly files are read, and which Ingresses are ours.
package struct LoaderOptions: Sendable {
    /// Class names that are taken beside `nginx` and `l7proxy`.
    package var ingressClasses: [String] = []
    /// Warnings are errors.
    package var isStrict = false

    package init(ingressClasses: [String] = [], isStrict: Bool = false) {
        self.ingressClasses = ingressClasses
        self.isStrict = isStrict
    }
}

/// From the text of the routes files to a configuration. Reads no file itself.
package enum ConfigurationLoader {
    package static func load(
        _ files: [SourceFile], options: LoaderOptions = LoaderOptions()
    ) -> ConfigurationResult {
        let findings = Findings(files: files, isStrict: options.isStrict)
        var shortForm = ShortForm(findings: findings)
        for file in files.indices {
            let roots = YAMLDocuments.read(file, into: findings).roots
            let short = roots.filter { root in
                if root.isMapping { return root["kind"] == nil }
                findings.add(
                    .error, "a document must be a mapping, found \(root.found)", at: root.position)
                return false
            }
            shortForm.add(short, from: files[file])
        }
        var draft = Draft()
        let nodes = shortForm.readSettings(into: &draft)
        shortForm.readRoutes(nodes: nodes, into: &draft)
        return finish(draft, findings)
    }

    private static func finish(_ draft: Draft, _ findings: Findings) -> ConfigurationResult {
        var configuration = draft.configuration
        if configuration.listeners.isEmpty {
            let everyAddress = Endpoint(address: IPAddress(v4: 0), port: 8_080)
            configuration.listeners = [.tcp(everyAddress)]
        }
        return ConfigurationResult(
            configuration: findings.hasError ? nil : configuration, diagnostics: findings.sorted())
    }
}
