import ProxyCore

/// Reads `spec.tls` of Ingresses and the Secrets that it names.
struct KubernetesTLS {
    let objects: KubernetesObjects
    /// Some listener speaks TLS.
    let hasListener: Bool

    /// Adds the certificates of one Ingress. What cannot be used is reported, and its hosts get the
    /// fallback certificate.
    func read(_ ingress: KubernetesObject, _ reader: Reader, into draft: inout Draft) {
        guard let tls = ingress.spec?.entry("tls"), !tls.value.items.isEmpty else { return }
        guard hasListener else {
            return reader.warn(
                "no listener speaks TLS: its hosts are served in the clear", at: tls.keyPosition,
                help: "give a listener 'tls: {}'")
        }
        for item in tls.value.items { readItem(item, ingress, reader, &draft) }
    }

    private func readItem(
        _ item: YAMLNode, _ ingress: KubernetesObject, _ reader: Reader, _ draft: inout Draft
    ) {
        // Without a Secret, ingress-nginx takes its default certificate, and so do we.
        guard let entry = item.entry("secretName"), let name = entry.value.text else { return }
        let secret = ObjectName(namespace: ingress.name.namespace, name: name)
        guard let object = objects.secret(secret) else {
            return reader.warn(
                "there is no Secret \(secret.text): its hosts get the fallback certificate",
                at: entry.value.position)
        }
        guard let pair = certificate(in: object) else {
            return reader.warn(
                "Secret \(secret.text) has no 'tls.crt' and 'tls.key' in base 64: its hosts get "
                    + "the fallback certificate", at: entry.value.position)
        }
        var source = pair
        source.hosts = hosts(item, reader)
        draft.configuration.secretCertificates.append(source)
    }

    /// Nil, which stands for the names in the certificate, when none are given.
    private func hosts(_ item: YAMLNode, _ reader: Reader) -> [String]? {
        guard let list = item.entry("hosts") else { return nil }
        let hosts = reader.list(list).compactMap { entry -> String? in
            guard let host = entry.value.text.flatMap(RouteText.host) else {
                reader.fault(entry, mustBe: RouteText.hostExpected)
                return nil
            }
            return host.text
        }
        return hosts.isEmpty ? nil : hosts
    }

    private func certificate(in secret: KubernetesObject) -> CertificateSource? {
        guard let certificate = secret.secretPEM("tls.crt"), let key = secret.secretPEM("tls.key")
        else { return nil }
        return CertificateSource(certificate: certificate, key: key)
    }
}
