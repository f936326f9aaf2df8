package import ProxyCore

/// What a listener's `tls` says. The program reads the files.
package struct ListenerTLS: Sendable, Equatable {
    package enum Version: String, Sendable, CaseIterable {
        case tls12 = "1.2"
        case tls13 = "1.3"
    }

    /// The first is for clients that ask for no name or an unknown one.
    package var certificates: [CertificateSource] = []
    package var minimumVersion = Version.tls12
    /// Who signs the certificates that clients must show; nil asks for none.
    package var clientAuthorities: PEMSource?
    /// Files of 80 bytes; empty: keys of the process's own.
    package var ticketKeys: [String] = []
    /// Clients are told to come back in TLS only (RFC 6797), where the host has a certificate.
    package var sendsHSTS = true

    package init() {}
}

/// A certificate with its chain and its key.
package struct CertificateSource: Sendable, Equatable {
    package var certificate: PEMSource
    package var key: PEMSource
    /// The file of an OCSP answer in DER; nil for none.
    package var staple: String?
    /// The names that it is for; nil: those that stand in it.
    package var hosts: [String]?

    package init(certificate: PEMSource, key: PEMSource) {
        self.certificate = certificate
        self.key = key
    }
}
