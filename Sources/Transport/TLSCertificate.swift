internal import CSSL

/// A certificate with its chain and its private key, checked when it is made and immutable since.
@safe
package final class TLSCertificate: Sendable {
    /// What decides which clients can use it: an ECDSA key is preferred where both are offered.
    package enum KeyKind: Int, Sendable {
        case ecdsa, edwards, rsa
    }

    // SAFETY: written once in `init`, and only read by those who share it. OpenSSL counts
    // references atomically.
    nonisolated(unsafe) let certificate: OpaquePointer
    nonisolated(unsafe) let key: OpaquePointer
    /// The intermediates, without the certificate itself.
    nonisolated(unsafe) let chain: OpaquePointer
    /// A stapled OCSP answer in DER (RFC 6066 §8); empty for none.
    let staple: [UInt8]
    package let keyKind: KeyKind
    /// Strength of the key as OpenSSL counts it: 112 is RSA with 2048 bits.
    package let securityBits: Int
    /// DNS names of the certificate, in lower case; wildcards as they stand there.
    package let names: [String]
    /// Seconds since 1970.
    package let notBefore: Int64
    package let notAfter: Int64
    /// Of the text that it was made of.
    let fingerprint: [UInt8]

    /// - Parameters:
    ///   - certificates: PEM, the certificate first and then its issuers in order.
    ///   - key: PEM: PKCS#8, PKCS#1 or SEC1, not encrypted.
    /// - Throws: what is wrong with them, or that they do not belong together.
    package init(
        certificates: [UInt8], key keyText: [UInt8], staple: [UInt8] = []
    ) throws(TLSError) {
        let list = try PEMReader.certificates(in: certificates)
        var key: OpaquePointer?
        do throws(TLSError) {
            let found = unsafe try PEMReader.privateKey(in: keyText)
            unsafe key = found
            unsafe try TLSCertificate.checkMatch(list, found)
            try TLSCertificate.checkOrder(list)
            keyKind = unsafe try TLSCertificate.kind(of: found)
            unsafe self.key = found
        } catch {
            list.free()
            unsafe EVP_PKEY_free(key)
            throw error
        }
        unsafe certificate = list.leaf
        unsafe chain = list.issuers
        self.staple = staple
        fingerprint = TLSDigest.of([certificates, keyText])
        securityBits = unsafe Int(EVP_PKEY_get_security_bits(self.key))
        names = unsafe TLSCertificate.names(of: list.leaf)
        notBefore = unsafe cssl_not_before(list.leaf)
        notAfter = unsafe cssl_not_after(list.leaf)
    }

    deinit {
        unsafe X509_free(certificate)
        unsafe EVP_PKEY_free(key)
        unsafe cssl_chain_free(chain)
    }

    /// What an operator should hear about: expired, not valid yet, soon to expire, weak.
    package func warnings(at unixSeconds: Int64) -> [String] {
        var warnings: [String] = []
        let days = (notAfter - unixSeconds) / 86_400
        if notBefore > unixSeconds { warnings.append("is not valid yet") }
        if notAfter < unixSeconds {
            warnings.append("has expired")
        } else if days < 14 {
            // 14 days: half of what the usual renewal a month before the end leaves.
            warnings.append("expires in \(days) days")
        }
        // 112 bits: NIST SP 800-57 allows nothing weaker.
        if securityBits < 112 { warnings.append("has a weak key (\(securityBits) bits)") }
        return warnings
    }
}

// Checks.
extension TLSCertificate {
    private static func checkMatch(
        _ list: PEMReader.CertificateList, _ key: OpaquePointer
    ) throws(TLSError) {
        guard unsafe X509_check_private_key(list.leaf, key) == 1 else {
            ERR_clear_error()
            throw TLSError("the key does not belong to the certificate")
        }
    }

    /// RFC 5246 §7.4.2: each certificate is followed by its issuer. TLS 1.3 clients may sort for
    /// themselves; others fail in ways that nobody understands.
    private static func checkOrder(_ list: PEMReader.CertificateList) throws(TLSError) {
        // SAFETY: the list's own pointers, within its count.
        var subject = unsafe list.leaf
        let count = unsafe cssl_chain_count(list.issuers)
        for index in 0..<count {
            guard let issuer = unsafe cssl_chain_get(list.issuers, index) else { return }
            guard unsafe X509_check_issued(issuer, subject) == X509_V_OK else {
                ERR_clear_error()
                throw TLSError("certificate \(index + 2) in it is not the issuer of the one before")
            }
            unsafe subject = issuer
        }
    }

    private static func kind(of key: OpaquePointer) throws(TLSError) -> KeyKind {
        switch unsafe EVP_PKEY_get_base_id(key) {
        case EVP_PKEY_EC: return .ecdsa
        case EVP_PKEY_ED25519, EVP_PKEY_ED448: return .edwards
        case EVP_PKEY_RSA, EVP_PKEY_RSA_PSS: return .rsa
        default: throw TLSError("the key is of a kind that TLS servers do not use")
        }
    }

    /// RFC 6125 §6.4.4: the common name counts only where there are no DNS names.
    private static func names(of certificate: OpaquePointer) -> [String] {
        // SAFETY: GENERAL_NAMES is what this extension decodes to; it is freed below.
        guard let found = unsafe X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil)
        else { return unsafe commonName(of: certificate) }
        let names = OpaquePointer(found)
        defer { unsafe GENERAL_NAMES_free(names) }
        let nameCount = unsafe cssl_names_count(names)
        let indices = 0..<nameCount
        return indices.compactMap { index -> String? in
            var count: Int32 = 0
            guard let text = unsafe cssl_names_dns(names, index, &count) else { return nil }
            let bytes = unsafe UnsafeBufferPointer(start: text, count: Int(count))
            return unsafe String(decoding: bytes, as: UTF8.self).lowercased()
        }
    }

    private static func commonName(of certificate: OpaquePointer) -> [String] {
        var text = [CChar](repeating: 0, count: 256)
        let name = unsafe X509_get_subject_name(certificate)
        // SAFETY: at most the array's own count is written.
        let count = unsafe X509_NAME_get_text_by_NID(name, NID_commonName, &text, 256)
        guard count > 0 else { return [] }
        let bytes = text.prefix(Int(count)).map(UInt8.init(bitPattern:))
        return [String(decoding: bytes, as: UTF8.self).lowercased()]
    }
}
