/// The Kubernetes objects of all files, by kind and name.
struct KubernetesObjects {
    private(set) var ingresses: [KubernetesObject] = []
    private(set) var ingressClasses: [KubernetesObject] = []
    private(set) var nodes: [KubernetesObject] = []
    private var secrets: [ObjectName: KubernetesObject] = [:]
    private var services: [ObjectName: KubernetesObject] = [:]
    /// By the service they belong to.
    private var slices: [ObjectName: [KubernetesObject]] = [:]
    private var unknownKinds: Set<String> = []
    let findings: Findings

    init(findings: Findings) {
        self.findings = findings
    }

    func service(_ name: ObjectName) -> KubernetesObject? { services[name] }

    func secret(_ name: ObjectName) -> KubernetesObject? { secrets[name] }

    func slices(of service: ObjectName) -> [KubernetesObject] { slices[service] ?? [] }

    /// Takes a document with a `kind`; the items of lists one by one.
    mutating func add(_ root: YAMLNode) {
        guard let kind = root["kind"]?.text else {
            findings.add(.warning, "an object without 'kind' is skipped", at: root.position)
            return
        }
        let version = root["apiVersion"]?.text ?? ""
        guard KubernetesObjects.versions[kind] == version else {
            // `kubectl get -o yaml` prints `List`; clients of the API see `IngressList` and so on.
            if kind.hasSuffix("List") { return addItems(of: root) }
            return reportUnknown(kind, version, root)
        }
        if kind == "List" { return addItems(of: root) }
        addNamed(kind, root)
    }

    private static let versions = [
        "Ingress": "networking.k8s.io/v1", "IngressClass": "networking.k8s.io/v1",
        "Service": "v1", "Node": "v1", "Secret": "v1", "List": "v1",
        "EndpointSlice": "discovery.k8s.io/v1",
    ]

    private mutating func addItems(of list: YAMLNode) {
        for item in list["items"]?.items ?? [] { add(item) }
    }

    private mutating func reportUnknown(_ kind: String, _ version: String, _ root: YAMLNode) {
        guard unknownKinds.insert("\(version) \(kind)").inserted else { return }
        let origin = version.isEmpty ? "without apiVersion" : "of \(quoted(version))"
        let position = root["kind"]?.position ?? root.position
        findings.add(
            .warning, "objects of kind \(quoted(kind)) \(origin) are skipped", at: position)
    }

    private mutating func addNamed(_ kind: String, _ root: YAMLNode) {
        let metadata = root["metadata"]
        guard let name = metadata?["name"]?.text else {
            findings.add(.warning, "\(kind) without a name is skipped", at: root.position)
            return
        }
        let namespace = metadata?["namespace"]?.text ?? "default"
        let object = KubernetesObject(
            kind: kind, name: ObjectName(namespace: namespace, name: name), node: root)
        ObjectShape(object.reader(findings)).checkTop(of: root)
        add(object)
    }

    private mutating func add(_ object: KubernetesObject) {
        switch object.kind {
        case "Ingress": ingresses.append(object)
        case "IngressClass": ingressClasses.append(object)
        case "Node": nodes.append(object)
        case "Service": addService(object)
        case "EndpointSlice":
            guard let service = object.label("kubernetes.io/service-name") else {
                return object.reader(findings).warn(
                    "no label 'kubernetes.io/service-name': it belongs to no Service",
                    at: object.node.position)
            }
            let owner = ObjectName(namespace: object.name.namespace, name: service)
            slices[owner, default: []].append(object)
        case "Secret": secrets[object.name] = object
        default: break
        }
    }

    private mutating func addService(_ object: KubernetesObject) {
        guard let earlier = services[object.name] else {
            services[object.name] = object
            return
        }
        object.reader(findings).warn(
            "is already at \(findings.describe(earlier.node.position)), which counts",
            at: object.node.position)
    }
}
