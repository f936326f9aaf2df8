/// How the backends of a service are spoken to in TLS. Those without are spoken to in the clear.
package struct UpstreamTLS: Sendable, Hashable {
    /// The backend's certificate must lead to an authority and name the backend.
    package var verifies = true
    /// Who may sign it; nil takes the system's authorities.
    package var authorities: PEMSource?
    /// What is asked for (SNI) and verified; nil verifies the backend's address.
    package var serverName: String?
    /// It is asked for, and not only verified.
    package var sendsServerName = true
    /// Intermediates between the certificate and its authority; nil for the library's bound.
    package var depth: Int?
    /// Those that are spoken.
    package var versions: Versions = [.tls12, .tls13]
    /// For TLS 1.2, as OpenSSL names them; nil for the library's choice.
    package var ciphers: String?
    /// Shown to backends that ask. Both or neither.
    package var certificate: PEMSource?
    package var key: PEMSource?
    /// What it should be could not be found out: no backend is trusted.
    package var isUsable = true

    package init() {}

    package struct Versions: OptionSet, Sendable, Hashable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let tls12 = Versions(rawValue: 1)
        package static let tls13 = Versions(rawValue: 2)
    }
}

/// Where certificates and keys come from.
package enum PEMSource: Sendable, Hashable {
    /// A path; the program reads it.
    case file(String)
    /// The text itself, and what people call it: `Secret default/shop`.
    case text(name: String, [UInt8])

    /// Nil for a text.
    package var path: String? {
        if case .file(let path) = self { path } else { nil }
    }

    package var name: String {
        switch self {
        case .file(let path): path
        case .text(let name, _): name
        }
    }
}
