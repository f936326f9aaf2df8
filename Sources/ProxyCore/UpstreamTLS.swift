/// How the backends of a service are spoken to in TLS. Those without are spoken to in the clear.
package struct UpstreamTLS: Sendable, Hashable {
    /// The backend's certificate must lead to an authority and name the backend.
    package var verifies = true
    /// Who may sign it; nil takes the system's authorities.
    package var authorities: PEMSource?
    /// What is asked for (SNI) and verified; nil verifies the backend's address.
    package var serverName: String?
    /// Shown to backends that ask. Both or neither.
    package var certificate: PEMSource?
    package var key: PEMSource?

    package init() {}
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
