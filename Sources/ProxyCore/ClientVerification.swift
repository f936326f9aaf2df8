/// What the clients of a host must show of themselves (`auth-tls-*` of ingress-nginx). It is asked
/// for in the handshake and judged for each request, so that a refusal is an answer.
package struct ClientVerification: Sendable, Hashable {
    package enum Mode: Sendable, Hashable {
        /// No certificate, no answer.
        case required
        /// One that is shown must be good.
        case optional
        /// One that is shown may come from anybody; the backend learns what is wrong with it.
        case optionalWithoutAuthority
    }

    /// Who may sign them; nil where that cannot be found out: then nobody is let in.
    package var authorities: PEMSource?
    /// Certificates that were taken back.
    package var revocations: PEMSource?
    package var mode = Mode.required
    /// Intermediates between a certificate and its authority.
    package var depth = 1
    /// The backend gets the certificate itself, not only its names.
    package var passesCertificate = false
    /// A regular expression that the subject's distinguished name must match.
    package var subjectPattern: String?
    /// Where clients without a good certificate are sent; an absolute URL.
    package var errorPage: String?

    package init(authorities: PEMSource?) {
        self.authorities = authorities
    }
}
