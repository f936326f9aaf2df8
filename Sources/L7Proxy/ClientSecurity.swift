import HTTPParser
import ProxyCore
import Transport

/// What TLS says about a client connection, for all of its requests.
final class ClientSecurity {
    /// In lower case; empty for a client that asked for no name.
    private let serverName: [UInt8]
    /// The client was let in by its certificate, under the name that it asked for.
    private let isBoundToName: Bool
    /// Responses tell the client to come back in TLS only.
    let sendsHSTS: Bool
    /// Field lines for the backend: who the client's certificate says it is.
    let certificateFields: [UInt8]
    /// What the hosts of this connection ask of their clients; nil for nothing.
    let rule: ClientRule?
    /// What speaks against this client by that rule.
    let objection: ClientRefusal?

    init(_ session: TLSSession, on listener: TLSListener) {
        let requiresCertificate = listener.context.requiresClientCertificate
        serverName = session.serverName.map { Array($0.lowercased().utf8) } ?? []
        isBoundToName = requiresCertificate
        // As in ingress-nginx: not under a certificate that is only there for want of another.
        sendsHSTS = listener.sendsHSTS && session.isNameKnown
        rule = session.verification.map { listener.rules[$0.number] }
        guard requiresCertificate || rule != nil else {
            certificateFields = []
            objection = nil
            return
        }
        let certificate = session.peerCertificate
        objection = rule?.objection(to: session, subject: certificate?.subject)
        certificateFields = ClientSecurity.fields(
            of: certificate, problem: session.peerProblem,
            whole: rule?.settings.passesCertificate ?? true)
    }

    /// Whether a request for this host may come on this connection: what the client proved, it
    /// proved to the name that it asked for (RFC 9110 §7.4).
    func admits(host: Span<UInt8>) -> Bool {
        guard isBoundToName, !serverName.isEmpty else { return true }
        guard host.count == serverName.count else { return false }
        for index in serverName.indices where host[index] | 0x20 != serverName[index] | 0x20 {
            return false
        }
        return true
    }

    /// The fields of ingress-nginx.
    ///
    /// - Parameter whole: with the certificate itself.
    private static func fields(
        of certificate: TLSPeerCertificate?, problem: TLSPeerProblem?, whole: Bool
    ) -> [UInt8] {
        guard let certificate else { return Array("ssl-client-verify: NONE\r\n".utf8) }
        let verdict = problem.map { "FAILED:" + visible($0.reason) } ?? "SUCCESS"
        var text = "ssl-client-verify: \(verdict)\r\n"
        text += "ssl-client-subject-dn: \(visible(certificate.subject))\r\n"
        text += "ssl-client-issuer-dn: \(visible(certificate.issuer))\r\n"
        guard whole else { return Array(text.utf8) }
        let escaped = percentEncoded(certificate.pem)
        // 8 KiB: more than certificates of people and machines have; a backend would refuse it.
        if escaped.utf8.count <= 8 * 1024 { text += "ssl-client-cert: \(escaped)\r\n" }
        return Array(text.utf8)
    }

    /// Names come from whoever signs certificates: nothing in them may end a line.
    private static func visible(_ text: String) -> String {
        String(
            decoding: text.utf8.prefix(1024).map { $0 < 0x20 || $0 == 0x7F ? 0x3F : $0 },
            as: UTF8.self)
    }

    /// RFC 3986 §2.1, all but the unreserved characters.
    private static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x41...0x5A, 0x61...0x7A, 0x30...0x39, 0x2D, 0x2E, 0x5F, 0x7E: bytes.append(byte)
            default: bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
