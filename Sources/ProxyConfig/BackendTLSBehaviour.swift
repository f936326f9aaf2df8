import ProxyCore

/// What the annotations `backend-protocol` and `proxy-ssl-*` say.
struct BackendTLSBehaviour {
    private var speaksTLS = false
    private var tls = UpstreamTLS()
    private var secret: SecretReference?
    /// A Secret was asked for that could not be read: no backend is trusted.
    private var isBroken = false

    mutating func apply(_ name: String, _ value: AnnotationValue) {
        switch name {
        case "backend-protocol":
            if let word = value.word(BackendTLSBehaviour.protocols) { speaksTLS = word }
        case "proxy-ssl-verify":
            if let word = value.word(BackendTLSBehaviour.switches) { tls.verifies = word }
        case "proxy-ssl-name": value.hosts { tls.serverName = BackendTLSBehaviour.exactName($0) }
        case "proxy-ssl-server-name":
            if let word = value.word(BackendTLSBehaviour.switches) { tls.sendsServerName = word }
        case "proxy-ssl-verify-depth": value.integer(in: 0...100) { tls.depth = $0 }
        case "proxy-ssl-protocols": value.tlsVersions { tls.versions = $0 }
        case "proxy-ssl-ciphers": value.visibleText { tls.ciphers = $0 }
        case "proxy-ssl-secret":
            secret = SecretReference(value)
            isBroken = secret == nil
        default: break
        }
    }

    /// How to speak to backends whose service does not say so itself; nil: in the clear.
    func settings(in secrets: KubernetesSecrets) -> UpstreamTLS? {
        guard speaksTLS else { return nil }
        var tls = tls
        guard secret != nil || isBroken else { return tls }
        guard let secret, let object = secrets.find(secret) else {
            tls.isUsable = false
            return tls
        }
        tls.authorities = object.secretPEM("ca.crt")
        if let certificate = object.secretPEM("tls.crt"), let key = object.secretPEM("tls.key") {
            tls.certificate = certificate
            tls.key = key
        }
        if tls.authorities == nil && tls.certificate == nil {
            secret.fault("has neither 'ca.crt' nor 'tls.crt' and 'tls.key' in base 64")
            tls.isUsable = false
        }
        return tls
    }

    /// Whether backends are spoken to in TLS.
    private static let protocols = Words<Bool>(
        supported: [("HTTP", false), ("HTTPS", true)],
        pending: ["AUTO_HTTP", "GRPC", "GRPCS", "FCGI"])

    private static let switches = Words<Bool>(supported: [("on", true), ("off", false)])

    private static func exactName(_ hosts: [HostPattern]) -> String? {
        if case .exact(let name) = hosts.first { name } else { nil }
    }
}

// Values that only TLS has.
extension AnnotationValue {
    /// Names of versions between spaces. Those that nobody should speak any more are reported, and
    /// count for nothing.
    func tlsVersions(_ use: (UpstreamTLS.Versions) -> Void) {
        let words = annotation.text.split(separator: " ")
        let isKnown = words.allSatisfy { word in
            ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"].contains(word)
        }
        var versions: UpstreamTLS.Versions = []
        if words.contains("TLSv1.2") { versions.insert(.tls12) }
        if words.contains("TLSv1.3") { versions.insert(.tls13) }
        guard isKnown, !versions.isEmpty else {
            return fault(mustBe: "made of TLSv1.2 and TLSv1.3, between spaces")
        }
        use(versions)
    }

    /// `https://…` or `http://…`, fit for a Location field.
    func absoluteURL(_ use: (String) -> Void) {
        let text = annotation.text
        let isURL = text.hasPrefix("https://") || text.hasPrefix("http://")
        guard isURL, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return fault(mustBe: "an absolute URL")
        }
        use(text)
    }
}
