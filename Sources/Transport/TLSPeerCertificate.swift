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
