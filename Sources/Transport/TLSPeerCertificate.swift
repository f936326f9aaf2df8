internal import CSSL

/// What a peer's certificate says about it.
package struct TLSPeerCertificate: Sendable, Equatable {
    /// Distinguished names as RFC 2253 writes them.
    package let subject: String
    package let issuer: String
    /// The certificate itself.
    package let pem: String

    init(_ certificate: OpaquePointer) {
        // SAFETY: the caller lends the certificate; its names are parts of it.
        subject = unsafe Self.text(of: X509_get_subject_name(certificate))
        issuer = unsafe Self.text(of: X509_get_issuer_name(certificate))
        pem = unsafe Self.written { bio in unsafe PEM_write_bio_X509(bio, certificate) }
    }

    private static func text(of name: OpaquePointer?) -> String {
        // SAFETY: the caller lends the name.
        unsafe written { bio in
            // Escaped to ASCII, so that no name can end a line or drive a terminal.
            unsafe cssl_name_print(bio, name)
        }
    }

    /// What `write` writes.
    private static func written(_ write: (OpaquePointer) -> Int32) -> String {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { return "" }
        defer { unsafe BIO_free(bio) }
        _ = unsafe write(bio)
        var text: UnsafeMutablePointer<CChar>?
        let count = unsafe cssl_bio_text(bio, &text)
        // SAFETY: the BIO's own memory and count, until it is freed.
        return unsafe String(
            decoding: UnsafeRawBufferPointer(start: text, count: count), as: UTF8.self)
    }
}

/// Why a peer's certificate was not believed.
package struct TLSPeerProblem: Sendable, Equatable {
    /// In the library's words.
    package let reason: String
    /// Nothing is wrong with it but that its authority is not one of those who are trusted.
    package let isUnknownAuthority: Bool

    init?(code: Int) {
        guard code != X509_V_OK else { return nil }
        // SAFETY: a constant string of the library, which ends in 0.
        reason = unsafe X509_verify_cert_error_string(code).map { unsafe String(cString: $0) } ?? ""
        let unknown = [
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
        ]
        isUnknownAuthority = unknown.contains { Int($0) == code }
    }
}
