internal import CSSL

/// What a TLS server asks of the clients of some names: a certificate, verified against these
/// authorities. The handshake goes on whatever comes: `TLSSession.peerProblem` says what is wrong,
/// and who asks for an answer gets one in words.
@safe
package final class TLSClientVerification: Sendable {
    // SAFETY: written in `init` only; OpenSSL counts references and locks what it looks up.
    nonisolated(unsafe) private let store: OpaquePointer
    /// Names of the authorities, for clients to choose by.
    nonisolated(unsafe) private let names: OpaquePointer?
    private let depth: Int32
    /// A session is resumed only under the same authorities: it is not verified again.
    private let identity: [UInt8]
    /// The maker's own, to find its side of it by.
    package let number: Int

    /// - Parameters:
    ///   - authorities: PEM: who signs the certificates of clients.
    ///   - revocations: PEM: lists of certificates that were taken back.
    ///   - depth: intermediates between a certificate and its authority.
    package init(
        authorities: [UInt8], revocations: [UInt8]?, depth: Int, number: Int
    ) throws(TLSError) {
        guard let store = unsafe X509_STORE_new() else { throw TLSError("out of memory") }
        unsafe self.store = store
        unsafe names = cssl_names_make()
        self.depth = Int32(clamping: depth)
        self.number = number
        identity = TLSDigest.of([authorities, revocations ?? [], [UInt8(clamping: depth)]])
        try trust(authorities)
        if let revocations { try revoke(revocations) }
    }

    deinit {
        unsafe X509_STORE_free(store)
        unsafe cssl_names_free(names)
    }

    private func trust(_ authorities: [UInt8]) throws(TLSError) {
        let list = try PEMReader.certificates(in: authorities)
        defer { list.free() }
        try unsafe trust(list.leaf)
        // SAFETY: the list's own pointers, within its count.
        for index in 0..<(unsafe cssl_chain_count(list.issuers)) {
            guard let issuer = unsafe cssl_chain_get(list.issuers, index) else { return }
            try unsafe trust(issuer)
        }
    }

    /// The store takes a reference, the list of names a copy.
    private func trust(_ authority: OpaquePointer) throws(TLSError) {
        guard unsafe X509_STORE_add_cert(store, authority) == 1,
            unsafe cssl_names_add(names, authority) == 1
        else { throw .last("authority") }
    }

    /// Every certificate on the way to the authority is looked up from here on.
    private func revoke(_ lists: [UInt8]) throws(TLSError) {
        guard let bio = unsafe PEMReader.openText(lists) else { throw TLSError("out of memory") }
        defer {
            unsafe BIO_free(bio)
            ERR_clear_error()
        }
        var count = 0
        while let list = unsafe PEM_read_bio_X509_CRL(bio, nil, nil, nil) {
            defer { unsafe X509_CRL_free(list) }
            guard unsafe X509_STORE_add_crl(store, list) == 1 else { throw .last("CRL") }
            count += 1
        }
        guard count > 0 else { throw TLSError("there is no certificate revocation list in it") }
        let flags = UInt(X509_V_FLAG_CRL_CHECK) | UInt(X509_V_FLAG_CRL_CHECK_ALL)
        unsafe X509_STORE_set_flags(store, flags)
    }

    /// Called before the session of a ticket is looked at, which then has to be of the same kind.
    func apply(to ssl: OpaquePointer) -> Bool {
        // SAFETY: OpenSSL's own pointer; it takes a reference of the store, and copies the rest.
        unsafe SSL_set_verify(ssl, SSL_VERIFY_PEER, goOn)
        unsafe SSL_set_verify_depth(ssl, depth)
        guard unsafe cssl_set_client_authorities(ssl, store, names) == 1 else { return false }
        return unsafe SSL_set_session_id_context(ssl, identity, UInt32(identity.count)) == 1
    }
}

/// What was found stays as the result of the verification.
private func goOn(_ isGood: Int32, _ context: OpaquePointer?) -> Int32 { 1 }

/// Which names ask their clients for a certificate.
package struct TLSVerificationTable: Sendable {
    /// A name, a wildcard, or an empty text for all others, and what is asked of its clients.
    package typealias Entry = (name: String, verification: TLSClientVerification?)

    private var exact: [String: TLSClientVerification?] = [:]
    /// `*.example.com` as `.example.com`.
    private var wildcards: [String: TLSClientVerification?] = [:]
    private var others: TLSClientVerification?

    /// - Parameter entries: exact names that ask for nothing stand before wildcards that do.
    init(_ entries: [Entry]) {
        for (name, verification) in entries {
            if name.isEmpty {
                others = verification
            } else if name.hasPrefix("*.") {
                wildcards.updateValue(verification, forKey: String(name.dropFirst()))
            } else {
                exact.updateValue(verification, forKey: name)
            }
        }
    }

    func verification(for name: String?) -> TLSClientVerification? {
        guard let name = name.map(TLSNameTable.normalize) else { return others }
        if let found = exact[name] { return found }
        if let suffix = TLSNameTable.wildcard(for: name), let found = wildcards[suffix] {
            return found
        }
        return others
    }
}

/// The name in a ClientHello's extension (RFC 6066 §3): a list of one host name.
enum TLSHelloName {
    static func read(_ extension: UnsafeBufferPointer<UInt8>) -> String? {
        // SAFETY: the caller lends the bytes, and every index is below their count.
        let bytes = unsafe Array(`extension`)
        // The list's length, the kind of name (0), the name's length.
        guard bytes.count > 5, bytes[2] == 0 else { return nil }
        let count = Int(bytes[3]) << 8 | Int(bytes[4])
        guard count > 0, bytes.count >= 5 + count else { return nil }
        return String(decoding: bytes[5..<(5 + count)], as: UTF8.self)
    }
}
