import ProxyCore
import StickyPolicy

/// Turns Ingresses into routes. A mistake costs the rule it is in, never more.
struct KubernetesIngresses {
    let services: KubernetesServices
    let findings: Findings
    /// Which Ingresses are ours.
    let classes: IngressClasses
    /// What the annotations of a file's short form say for its routes, by file.
    let defaults: [Int: RouteBehaviour]

    func read(into draft: inout Draft) {
        // Of two equal rules the oldest counts.
        for ingress in services.objects.ingresses.sorted(by: KubernetesObject.isOlder) {
            read(ingress, into: &draft)
        }
    }

    private func read(_ ingress: KubernetesObject, into draft: inout Draft) {
        let reader = ingress.reader(findings)
        guard isOurs(ingress, reader) else { return }
        ObjectShape(reader).checkIngress(ingress.spec)
        var behaviour = defaults[ingress.node.position.file] ?? RouteBehaviour()
        behaviour.apply(reader.annotations(ingress.annotations, isShared: true), reader)
        let hasListener = !draft.configuration.listenerTLS.isEmpty
        KubernetesTLS(objects: services.objects, hasListener: hasListener)
            .read(ingress, reader, into: &draft)
        IngressRules(ingress, reader, services, behaviour).read(into: &draft)
    }

    private func isOurs(_ ingress: KubernetesObject, _ reader: Reader) -> Bool {
        let entry =
            ingress.spec?.entry("ingressClassName")
            ?? ingress.node["metadata"]?["annotations"]?.entry("kubernetes.io/ingress.class")
        guard let entry, let name = entry.value.text, !classes.contains(name) else { return true }
        reader.note("is of class \(quoted(name)) and left out", at: entry.value.position)
        return false
    }
}

/// The class names that are taken.
struct IngressClasses {
    private var names: Set<String> = ["nginx", "l7proxy"]

    init(options: [String], objects: [KubernetesObject]) {
        names.formUnion(options)
        for object in objects
        where object.spec?["controller"]?.text == "k8s.io/ingress-nginx" {
            names.insert(object.name.name)
        }
    }

    func contains(_ name: String) -> Bool { names.contains(name) }
}
