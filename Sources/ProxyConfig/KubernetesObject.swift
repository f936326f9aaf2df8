/// What Kubernetes calls an object within its kind.
struct ObjectName: Hashable, Sendable {
    var namespace: String
    var name: String

    var text: String { "\(namespace)/\(name)" }
}

/// A Kubernetes object of a kind that matters here.
struct KubernetesObject: Sendable {
    var kind: String
    var name: ObjectName
    var node: YAMLNode

    /// Nodes and classes have no namespace.
    var title: String {
        kind == "Node" || kind == "IngressClass" ? "\(kind) \(name.name)" : "\(kind) \(name.text)"
    }

    var spec: YAMLNode? { node["spec"] }

    var annotations: [YAMLEntry] { node["metadata"]?["annotations"]?.entries ?? [] }

    func label(_ key: String) -> String? { node["metadata"]?["labels"]?[key]?.text }

    func reader(_ findings: Findings) -> Reader { .object(title, findings) }

    /// Oldest first; what has no time of creation was not created yet. RFC 3339 times in UTC, which
    /// is what the API server prints, sort as text.
    static func isOlder(_ left: KubernetesObject, _ right: KubernetesObject) -> Bool {
        let (a, b) = (left.sortKey, right.sortKey)
        return a < b
    }

    private var sortKey: (Int, String, String, String) {
        let created = node["metadata"]?["creationTimestamp"]?.text
        return (created == nil ? 1 : 0, created ?? "", name.namespace, name.name)
    }
}
