/// Certificates by the name that a client asks for (RFC 6066 §3): one or two hash lookups, however
/// many names there are.
struct TLSNameTable: Sendable {
    /// The certificates of one name, each of another kind of key, the preferred one first.
    typealias Group = [TLSCertificate]

    private var exact: [String: Group] = [:]
    /// `*.example.com` as `.example.com`.
    private var wildcards: [String: Group] = [:]

    /// An earlier certificate of the same name and kind of key stays.
    mutating func add(_ certificate: TLSCertificate, for name: String) {
        if name.hasPrefix("*.") {
            Self.insert(certificate, into: &wildcards[String(name.dropFirst()), default: []])
        } else {
            Self.insert(certificate, into: &exact[name, default: []])
        }
    }

    // Static, so that nothing holds on to a second copy of the table while one group changes.
    private static func insert(_ certificate: TLSCertificate, into group: inout Group) {
        guard !group.contains(where: { $0.keyKind == certificate.keyKind }) else { return }
        let kind = certificate.keyKind.rawValue
        let place = group.firstIndex { $0.keyKind.rawValue > kind } ?? group.count
        group.insert(certificate, at: place)
    }

    /// RFC 6125 §6.4.3: a wildcard stands for exactly one label, the first.
    ///
    /// - Parameter name: in any case; a dot at its end means nothing.
    func group(for name: String) -> Group? {
        let name = Self.normalize(name)
        if let group = exact[name] { return group }
        return Self.wildcard(for: name).flatMap { wildcards[$0] }
    }

    static func normalize(_ name: String) -> String {
        let name = name.lowercased()
        return name.hasSuffix(".") ? String(name.dropLast()) : name
    }

    /// The key of the wildcard that stands for this name; nil where none can.
    static func wildcard(for name: String) -> String? {
        guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return nil }
        return String(name[dot...])
    }
}
