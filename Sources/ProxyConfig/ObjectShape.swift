/// Looks for keys that Kubernetes would not know either. What comes from a cluster has none; what
/// is written by hand loses whatever stands behind such a key.
struct ObjectShape {
    private let reader: Reader

    init(_ reader: Reader) {
        self.reader = reader
    }

    /// Of any kind that is read here.
    private static let top = [
        "apiVersion", "kind", "metadata", "spec", "status", "data", "stringData", "type",
        "immutable", "addressType", "endpoints", "ports",
    ]
    private static let ingressSpec = ["defaultBackend", "ingressClassName", "rules", "tls"]
    private static let rule = ["host", "http"]
    private static let http = ["paths"]
    private static let path = ["backend", "path", "pathType"]
    private static let backend = ["resource", "service"]
    private static let service = ["name", "port"]

    func checkTop(of object: YAMLNode) {
        for entry in object.entries where !ObjectShape.top.contains(entry.key) {
            warn(entry, help: help(atTop: entry.key))
        }
    }

    /// What is read of an Ingress below its top.
    func checkIngress(_ spec: YAMLNode?) {
        check(spec, ObjectShape.ingressSpec)
        check(backend: spec?["defaultBackend"])
        for rule in spec?["rules"]?.items ?? [] {
            check(rule, ObjectShape.rule)
            check(rule["http"], ObjectShape.http)
            for path in rule["http"]?["paths"]?.items ?? [] {
                check(path, ObjectShape.path)
                check(backend: path["backend"])
            }
        }
    }

    private func check(backend: YAMLNode?) {
        check(backend, ObjectShape.backend)
        check(backend?["service"], ObjectShape.service)
    }

    private func check(_ node: YAMLNode?, _ allowed: [String]) {
        for entry in node?.entries ?? [] where !allowed.contains(entry.key) {
            let isAnnotations = entry.key == "annotations"
            warn(
                entry,
                help: isAnnotations
                    ? placeOfAnnotations : NearMiss.help(entry.key, allowed: allowed))
        }
    }

    private func warn(_ entry: YAMLEntry, help: String?) {
        reader.warn(
            "unknown key \(quoted(entry.key)) has no effect", at: entry.keyPosition, help: help)
    }

    private var placeOfAnnotations: String { "annotations stand in 'metadata'" }

    private func help(atTop key: String) -> String? {
        if key == "annotations" { return placeOfAnnotations }
        if ShortFormSchema.root.names.contains(key) {
            return "it is a key of the short form, which is a document of its own: '---' ends it"
        }
        return NearMiss.find(key, in: ObjectShape.top).map { "did you mean '\($0)'?" }
    }
}
