import ProxyConfig
import ProxyCore
import Transport

/// Reads the certificates, keys and authorities that a configuration names.
///
/// What has not changed since the load before is not parsed again, and what cannot be used now but
/// could be then stays in use: between two writes of a renewal, a key does not belong to its
/// certificate.
struct CertificateStore {
    /// What people call a certificate and its key.
    private struct Name: Hashable {
        let certificate: String
        let key: String
    }

    /// A certificate, and the text that it was made of.
    private struct Loaded {
        let digest: [UInt8]
        let certificate: TLSCertificate
    }

    private var certificates: [Name: Loaded] = [:]
    /// Of the load before.
    private var previous: [Name: Loaded]
    /// What an operator should hear: certificates that stay in use because the new ones cannot be.
    private(set) var warnings: [String] = []

    /// - Parameter previous: the store of the load before.
    init(after previous: CertificateStore? = nil) {
        self.previous = previous?.certificates ?? [:]
    }

    /// Lets go of what only the load before has needed.
    mutating func finish() {
        previous = [:]
    }

    /// - Throws: what is wrong, with the name of the certificate's file or Secret.
    mutating func certificate(_ source: CertificateSource) throws(UnusableConfiguration)
        -> TLSCertificate
    {
        let name = Name(certificate: source.certificate.name, key: source.key.name)
        if let known = certificates[name] { return known.certificate }
        do throws(UnusableConfiguration) {
            let loaded = try load(source, named: name)
            certificates[name] = loaded
            return loaded.certificate
        } catch {
            guard let old = previous[name] else { throw error }
            certificates[name] = old
            warnings.append("\(error); the one in use stays until both files are good")
            return old.certificate
        }
    }

    private func load(
        _ source: CertificateSource, named name: Name
    ) throws(UnusableConfiguration) -> Loaded {
        let text = try CertificateStore.bytes(of: source.certificate)
        let key = try CertificateStore.bytes(of: source.key)
        var staple: [UInt8] = []
        if let path = source.staple { staple = try CertificateStore.bytes(of: .file(path)) }
        let digest = TLSDigest.of([text, key, staple])
        if let old = previous[name], old.digest == digest { return old }
        do throws(TLSError) {
            let certificate = try TLSCertificate(certificates: text, key: key, staple: staple)
            return Loaded(digest: digest, certificate: certificate)
        } catch {
            throw UnusableConfiguration(description: "certificate \(name.certificate): \(error)")
        }
    }

    static func bytes(of source: PEMSource) throws(UnusableConfiguration) -> [UInt8] {
        switch source {
        case .text(_, let bytes): return bytes
        case .file(let path):
            do throws(ConfigurationFiles.Unreadable) {
                return try ConfigurationFiles.bytes(ofFile: path)
            } catch {
                throw UnusableConfiguration(description: "\(error)")
            }
        }
    }
}
