internal import CSSL
internal import Synchronization

/// Reads what stands in PEM files (RFC 7468).
enum PEMReader {
    /// A certificate and the issuers that follow it. Whoever takes it frees it.
    @safe
    struct CertificateList {
        let leaf: OpaquePointer
        let issuers: OpaquePointer

        func free() {
            // SAFETY: called once, by the owner.
            unsafe X509_free(leaf)
            unsafe cssl_chain_free(issuers)
        }
    }

    /// 32: longer than any chain that a client would follow.
    private static let certificatesMax = 32

    static func certificates(in text: [UInt8]) throws(TLSError) -> CertificateList {
        guard let bio = unsafe openText(text) else { throw TLSError("out of memory") }
        defer { unsafe BIO_free(bio) }
        guard let leaf = unsafe PEM_read_bio_X509_AUX(bio, nil, refusePassword, nil) else {
            ERR_clear_error()
            throw TLSError("there is no certificate in it")
        }
        guard let issuers = unsafe cssl_chain_make() else { throw TLSError("out of memory") }
        let list = unsafe CertificateList(leaf: leaf, issuers: issuers)
        while let issuer = unsafe PEM_read_bio_X509(bio, nil, refusePassword, nil) {
            // SAFETY: the list takes the reference over.
            _ = unsafe cssl_chain_push(issuers, issuer)
            guard unsafe cssl_chain_count(issuers) < certificatesMax else {
                list.free()
                throw TLSError("there are more than \(certificatesMax) certificates in it")
            }
        }
        // The end of the text is told as an error, like a block that is broken.
        let reason = cssl_error_reason(ERR_peek_last_error())
        ERR_clear_error()
        guard reason == PEM_R_NO_START_LINE else {
            list.free()
            throw TLSError("a certificate in it is broken")
        }
        return list
    }

    /// The first private key of a text; what stands before it, as the parameters of a curve, is
    /// skipped.
    static func privateKey(in text: [UInt8]) throws(TLSError) -> OpaquePointer {
        guard let bio = unsafe openText(text) else { throw TLSError("out of memory") }
        defer {
            unsafe BIO_free(bio)
            ERR_clear_error()
        }
        while let block = unsafe PEMBlock(next: bio) {
            defer { block.free() }
            guard block.label.hasSuffix("PRIVATE KEY") else { continue }
            guard !block.isEncrypted else {
                throw TLSError(
                    "the key is encrypted; give it decrypted, readable to the proxy only")
            }
            guard let key = unsafe keyDecoder.key(in: block) else {
                throw TLSError("the private key in it is broken")
            }
            return unsafe key
        }
        throw TLSError("there is no private key in it")
    }

    /// A BIO over a copy of the text.
    static func openText(_ text: [UInt8]) -> OpaquePointer? {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { return nil }
        let count = Int32(clamping: text.count)
        // SAFETY: the array's own memory, within its count; the BIO copies it.
        let written = unsafe text.withUnsafeBytes { unsafe BIO_write(bio, $0.baseAddress, count) }
        guard written == count || text.isEmpty else {
            unsafe BIO_free(bio)
            return nil
        }
        return unsafe bio
    }
}

/// One block of a PEM text. Whoever takes it frees it.
@safe
private struct PEMBlock {
    let label: String
    /// PKCS#8 says it in its label, the older forms in a header line.
    let isEncrypted: Bool
    let data: UnsafeMutablePointer<UInt8>
    let count: Int

    init?(next bio: OpaquePointer) {
        var label: UnsafeMutablePointer<CChar>?
        var header: UnsafeMutablePointer<CChar>?
        var data: UnsafeMutablePointer<UInt8>?
        var count = 0
        // SAFETY: texts that end in 0 and bytes with their count, which are ours to free.
        guard unsafe PEM_read_bio(bio, &label, &header, &data, &count) == 1, let data = unsafe data,
            let label = unsafe label, let header = unsafe header
        else { return nil }
        self.label = unsafe String(cString: label)
        isEncrypted = unsafe self.label.hasPrefix("ENCRYPTED") || header.pointee != 0
        unsafe self.data = data
        self.count = count
        unsafe cssl_free(label)
        unsafe cssl_free(header)
    }

    func free() {
        // SAFETY: called once, by the owner.
        unsafe cssl_clear_free(data, count)
    }
}

/// OpenSSL's decoder of keys, made once: making it costs twenty times as much as using it, which
/// with ten thousand keys is the whole start.
@safe
private final class KeyDecoder: Sendable {
    // SAFETY: both are used under the lock only. The decoder writes its result to a place that is
    // never freed, like itself.
    nonisolated(unsafe) private let result: UnsafeMutablePointer<OpaquePointer?>
    nonisolated(unsafe) private let context: OpaquePointer?
    private let lock = Mutex(())

    init() {
        unsafe result = .allocate(capacity: 1)
        unsafe result.initialize(to: nil)
        unsafe context = cssl_key_decoder_make(result)
    }

    /// The key, which is the caller's.
    func key(in block: PEMBlock) -> OpaquePointer? {
        let address = lock.withLock { _ in
            unsafe result.pointee = nil
            // SAFETY: the block's own bytes and count.
            var next: UnsafePointer<UInt8>? = unsafe UnsafePointer(block.data)
            var count = block.count
            let isRead = unsafe OSSL_DECODER_from_data(context, &next, &count) == 1
            return isRead ? UInt(bitPattern: unsafe result.pointee) : 0
        }
        return unsafe OpaquePointer(bitPattern: address)
    }
}

private let keyDecoder = KeyDecoder()

/// In the place of OpenSSL's own function, which would ask on the terminal.
private func refusePassword(
    _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int32, _ isWriting: Int32,
    _ context: UnsafeMutableRawPointer?
) -> Int32 { -1 }
