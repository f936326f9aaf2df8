internal import CSSL

/// The lowest version that is spoken.
package enum TLSVersion: String, Sendable, Hashable, CaseIterable {
    case tls12 = "1.2"
    case tls13 = "1.3"

    var number: Int32 {
        switch self {
        case .tls12: TLS1_2_VERSION
        case .tls13: TLS1_3_VERSION
        }
    }
}

/// What both sides of TLS set up alike.
enum TLSLibrary {
    static func makeContext(_ method: OpaquePointer?) throws(TLSError) -> OpaquePointer {
        guard let context = unsafe SSL_CTX_new(method) else { throw .last("TLS context") }
        unsafe cssl_context_set_modes(context)
        return unsafe context
    }

    static func setMinimumVersion(
        _ version: TLSVersion, of context: OpaquePointer
    ) throws(TLSError) {
        guard unsafe cssl_context_set_minimum_version(context, version.number) == 1 else {
            throw .last("TLS version")
        }
    }

    static func setMaximumVersion(
        _ version: TLSVersion, of context: OpaquePointer
    ) throws(TLSError) {
        guard unsafe cssl_context_set_maximum_version(context, version.number) == 1 else {
            throw .last("TLS version")
        }
    }

    /// Trusts the certificates of a PEM text as authorities.
    static func trust(_ authorities: [UInt8], in context: OpaquePointer) throws(TLSError) {
        let list = try PEMReader.certificates(in: authorities)
        defer { list.free() }
        guard let store = unsafe SSL_CTX_get_cert_store(context) else {
            throw TLSError("out of memory")
        }
        // SAFETY: the list's own pointers, within its count; the store takes references.
        guard unsafe X509_STORE_add_cert(store, list.leaf) == 1 else { throw .last("authority") }
        let count = unsafe cssl_chain_count(list.issuers)
        for index in 0..<count {
            guard unsafe X509_STORE_add_cert(store, cssl_chain_get(list.issuers, index)) == 1
            else { throw .last("authority") }
        }
    }

}

/// SHA-256 over several texts: equal exactly when all of them are.
package enum TLSDigest {
    /// 32 bytes.
    package static func of(_ texts: [[UInt8]]) -> [UInt8] {
        var all: [UInt8] = []
        for text in texts {
            // The length first: other texts may have the same bytes in a row.
            unsafe withUnsafeBytes(of: UInt64(text.count).littleEndian) { unsafe all += $0 }
            all += text
        }
        var digest = [UInt8](repeating: 0, count: 32)
        // SAFETY: the digest has the 32 bytes that are written.
        _ = unsafe SHA256(all, all.count, &digest)
        return digest
    }
}
