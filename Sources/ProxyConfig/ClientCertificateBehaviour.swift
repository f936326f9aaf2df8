import ProxyCore

/// What the annotations `auth-tls-*` say.
struct ClientCertificateBehaviour {
    private enum Mode {
        case off
        case on(ClientVerification.Mode)
    }

    /// A Secret was named, readable or not; without one, the rest means nothing.
    private var isAsked = false
    private var secret: SecretReference?
    /// Whom the pattern would keep out is not known: it keeps out all.
    private var hasBrokenPattern = false
    private var mode = Mode.on(.required)
    private var depth = 1
    private var passesCertificate = false
    private var subjectPattern: String?
    private var errorPage: String?

    mutating func apply(_ name: String, _ value: AnnotationValue) {
        switch name {
        case "auth-tls-secret":
            secret = SecretReference(value)
            isAsked = true
        case "auth-tls-verify-client":
            if let word = value.word(ClientCertificateBehaviour.modes) { mode = word }
        case "auth-tls-verify-depth": value.integer(in: 0...100) { depth = $0 }
        case "auth-tls-pass-certificate-to-upstream": value.boolean { passesCertificate = $0 }
        case "auth-tls-match-cn": readPattern(value)
        case "auth-tls-error-page": value.absoluteURL { errorPage = $0 }
        default: break
        }
    }

    private mutating func readPattern(_ value: AnnotationValue) {
        var found: String?
        value.pattern { found = $0 }
        let isName = found?.hasPrefix("CN=") == true
        if found != nil && !isName { value.fault(mustBe: "CN= and a regular expression") }
        hasBrokenPattern = !isName
        subjectPattern = isName ? found : nil
    }

    private static let modes = Words<Mode>(
        supported: [
            ("on", .on(.required)), ("off", .off), ("optional", .on(.optional)),
            ("optional_no_ca", .on(.optionalWithoutAuthority)),
        ])

    /// Nil: clients are asked for nothing.
    func verification(in secrets: KubernetesSecrets) -> ClientVerification? {
        guard isAsked, case .on(let mode) = mode else { return nil }
        var verification = ClientVerification(authorities: nil)
        verification.mode = mode
        verification.depth = depth
        verification.passesCertificate = passesCertificate
        verification.subjectPattern = subjectPattern
        verification.errorPage = errorPage
        guard !hasBrokenPattern, let secret, let object = secrets.find(secret) else {
            return verification
        }
        verification.revocations = object.secretPEM("ca.crl")
        guard !object.hasSecretEntry("ca.crl") || verification.revocations != nil else {
            secret.fault("has a 'ca.crl' that is not in base 64")
            return verification
        }
        verification.authorities = object.secretPEM("ca.crt")
        if verification.authorities == nil { secret.fault("has no 'ca.crt' in base 64") }
        return verification
    }
}
