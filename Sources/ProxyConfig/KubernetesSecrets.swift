import ProxyCore

/// The Secrets of all files, and what TLS takes out of them.
struct KubernetesSecrets {
    let objects: KubernetesObjects
    /// Of the Ingress that refers to them, which may name no others; nil for the short form.
    var namespace: String?

    /// What a reference leads to; what is wrong with it is reported.
    func find(_ reference: SecretReference) -> KubernetesObject? {
        if let namespace, namespace != reference.name.namespace {
            reference.fault("is in another namespace than its Ingress")
            return nil
        }
        guard let secret = objects.secret(reference.name) else {
            reference.fault("is not there")
            return nil
        }
        return secret
    }
}

/// A Secret that an annotation names, and where.
struct SecretReference {
    let name: ObjectName
    private let annotation: Annotation
    private let reader: Reader

    /// Nil for what is no `namespace/name`; that was reported.
    init?(_ value: AnnotationValue) {
        let parts = value.annotation.text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            value.fault(mustBe: "a Secret as namespace/name")
            return nil
        }
        name = ObjectName(namespace: String(parts[0]), name: String(parts[1]))
        annotation = value.annotation
        reader = value.reader
    }

    func fault(_ what: String) {
        reader.fault(
            "\(annotation.name): Secret \(name.text) \(what)",
            at: annotation.entry.value.position)
    }
}

extension KubernetesObject {
    /// The bytes of one entry of a Secret; nil when it is not there or is not in base 64.
    func secretBytes(_ key: String) -> [UInt8]? {
        if let text = node["stringData"]?[key]?.text { return Array(text.utf8) }
        return node["data"]?[key]?.text.flatMap(Base64.decode)
    }

    func hasSecretEntry(_ key: String) -> Bool {
        node["stringData"]?[key] != nil || node["data"]?[key] != nil
    }

    func secretPEM(_ key: String) -> PEMSource? {
        secretBytes(key).map { .text(name: "Secret \(name.text)", $0) }
    }
}
