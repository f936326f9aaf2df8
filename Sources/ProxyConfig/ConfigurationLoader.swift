import ProxyCore
import StickyPolicy

/// A configuration, or why there is none.
package struct ConfigurationResult: Sendable {
    /// Nil exactly when `diagnostics` holds an error.
    package var configuration: Configuration?
    /// In the order of the files and lines.
    package var diagnostics: [Diagnostic]
    /// The files with secrets and certificates, also those of a configuration with errors: what
    /// changes in them may be what mends it.
    package var namedPaths: [String]
}

/// How strictly files are read, and which Ingresses are ours.
package struct LoaderOptions: Sendable {
    /// Class names that are taken beside `nginx` and `l7proxy`.
    package var ingressClasses: [String] = []
    /// Warnings are errors.
    package var isStrict = false
    /// Says what is wrong with a regular expression, or nil; without it none is looked into.
    package var patternFault: (@Sendable (String) -> String?)?
    /// Says why a file that is named cannot be read, or nil; without it none is looked for.
    package var pathFault: (@Sendable (String) -> String?)?

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
        let findings = Findings(
            files: files, isStrict: options.isStrict, patternFault: options.patternFault)
        findings.pathFault = options.pathFault
        var shortForm = ShortForm(findings: findings)
        var objects = KubernetesObjects(findings: findings)
        for file in files.indices {
            sort(YAMLDocuments.read(file, into: findings), of: file, &shortForm, &objects)
        }
        let draft = resolve(&shortForm, objects, options)
        Advice(findings: findings).give(on: draft)
        return result(draft.configuration, findings)
    }

    /// Tells the documents of one file apart: an object has a `kind`.
    private static func sort(
        _ documents: YAMLDocuments, of file: Int, _ shortForm: inout ShortForm,
        _ objects: inout KubernetesObjects
    ) {
        var short: [YAMLNode] = []
        for root in documents.roots {
            if root["kind"] != nil { objects.add(root) } else { short.append(root) }
        }
        shortForm.add(short, file: file)
    }

    private static func resolve(
        _ shortForm: inout ShortForm, _ objects: KubernetesObjects, _ options: LoaderOptions
    ) -> Draft {
        let findings = objects.findings
        var draft = Draft()
        let written = shortForm.readSettings(into: &draft)
        let found = KubernetesNodes(findings: findings).addresses(of: objects.nodes)
        shortForm.readRoutes(
            nodes: written.isEmpty ? found : written,
            secrets: KubernetesSecrets(objects: objects), into: &draft)
        let services = KubernetesServices(
            objects: objects, findings: findings, nodes: objects.nodes.isEmpty ? written : found)
        let classes = IngressClasses(
            options: options.ingressClasses, objects: objects.ingressClasses)
        KubernetesIngresses(
            services: services, findings: findings, classes: classes,
            defaults: shortForm.behaviours
        ).read(into: &draft)
        draft.attachAliases()
        draft.attachCanaries()
        draft.spreadClientVerification()
        return draft
    }

    private static func result(
        _ configuration: Configuration, _ findings: Findings
    ) -> ConfigurationResult {
        var configuration = configuration
        if configuration.listeners.isEmpty {
            let everyAddress = Endpoint(address: IPAddress(v4: 0), port: 8_080)
            configuration.listeners = [.tcp(everyAddress)]
        }
        return ConfigurationResult(
            configuration: findings.hasError ? nil : configuration, diagnostics: findings.sorted(),
            namedPaths: configuration.namedPaths)
    }
}
