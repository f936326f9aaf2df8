import ProxyConfig
import ProxyCore
import Transport

/// Reads the certificates, keys and authorities that a configuration names.
struct CertificateStore {
    /// Of this load: a certificate that two listeners name is read once.
    private var certificates: [PEMSource: TLSCertificate] = [:]

    /// - Throws: what is wrong, with the name of the certificate's file or Secret.
    mutating func certificate(_ source: CertificateSource) throws(UnusableConfiguration)
        -> TLSCertificate
    {
        if let known = certificates[source.certificate] { return known }
        let text = try CertificateStore.bytes(of: source.certificate)
        let key = try CertificateStore.bytes(of: source.key)
        var staple: [UInt8] = []
        if let path = source.staple { staple = try CertificateStore.bytes(of: .file(path)) }
        do throws(TLSError) {
            let certificate = try TLSCertificate(certificates: text, key: key, staple: staple)
            certificates[source.certificate] = certificate
            return certificate
        } catch {
            throw UnusableConfiguration(
                description: "certificate \(source.certificate.name): \(error)")
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
