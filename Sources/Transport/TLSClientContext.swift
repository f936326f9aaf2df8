internal import CSSL
internal import Glibc

/// What a TLS client holds a server to.
package struct TLSClientSettings: Sendable {
    /// The server's certificate must lead to an authority and name the server.
    package var verifies = true
    /// PEM: who may sign the server's certificate; nil takes the system's authorities.
    package var authorities: [UInt8]?
    /// What is asked for and verified; nil for a server that is known by its address.
    package var serverName: String?
    /// It is asked for, and not only verified.
    package var sendsServerName = true
    /// Intermediates between the certificate and its authority; nil for the library's bound.
    package var depth: Int?
    package var minimumVersion = TLSVersion.tls12
    package var maximumVersion = TLSVersion.tls13
    /// For TLS 1.2, as OpenSSL names them; nil for the library's choice.
    package var ciphers: String?
    /// No certificate is good enough.
    package var trustsNobody = false
    /// Shown to a server that asks.
    package var certificate: TLSCertificate?

    package init() {}

    fileprivate var identity: [UInt8] {
        TLSDigest.of([
            [verifies ? 1 : 0, authorities == nil ? 0 : 1, serverName == nil ? 0 : 1],
            [sendsServerName ? 1 : 0, trustsNobody ? 1 : 0, depth == nil ? 0 : 1],
            Array("\(minimumVersion)-\(maximumVersion) \(depth ?? 0) \(ciphers ?? "")".utf8),
            authorities ?? [], Array((serverName ?? "").utf8), certificate?.fingerprint ?? [],
        ])
    }
}

/// The client's side of TLS for one kind of server. Immutable once it is shared, and shared by all
/// loops.
@safe
package final class TLSClientContext: Sendable {
    // SAFETY: OpenSSL counts references and locks what changes inside; we change nothing after
    // `init`.
    nonisolated(unsafe) private let context: OpaquePointer
    private let serverName: String?
    private let verifies: Bool
    private let sendsServerName: Bool
    /// Equal for two contexts that ask for, hold to and show the same: what was agreed on under one
    /// is as good under the other.
    package let identity: [UInt8]

    package init(_ settings: TLSClientSettings) throws(TLSError) {
        serverName = settings.serverName
        verifies = settings.verifies
        identity = settings.identity
        unsafe context = try TLSLibrary.makeContext(TLS_client_method())
        unsafe cssl_context_set_client_options(context)
        sendsServerName = settings.sendsServerName
        try unsafe TLSLibrary.setMinimumVersion(settings.minimumVersion, of: context)
        try unsafe TLSLibrary.setMaximumVersion(settings.maximumVersion, of: context)
        try setCiphers(settings.ciphers)
        if settings.trustsNobody {
            unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        } else if verifies {
            try setAuthorities(settings.authorities)
        }
        if let depth = settings.depth {
            unsafe SSL_CTX_set_verify_depth(context, Int32(clamping: depth))
        }
        if let certificate = settings.certificate { try show(certificate) }
        let mode = SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
        // SAFETY: a function without a context of its own.
        unsafe cssl_context_set_session_cache_mode(context, Int(mode))
        unsafe SSL_CTX_sess_set_new_cb(context, keepSession)
    }

    deinit {
        unsafe SSL_CTX_free(context)
    }

    private func setCiphers(_ ciphers: String?) throws(TLSError) {
        guard let ciphers else { return }
        // SAFETY: the text ends in 0 and is copied.
        guard unsafe SSL_CTX_set_cipher_list(context, ciphers) == 1 else {
            throw .last("ciphers '\(ciphers)'")
        }
    }

    private func setAuthorities(_ authorities: [UInt8]?) throws(TLSError) {
        unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        if let authorities {
            try unsafe TLSLibrary.trust(authorities, in: context)
        } else if unsafe SSL_CTX_set_default_verify_paths(context) != 1 {
            throw .last("the system's authorities")
        }
    }

    private func show(_ certificate: TLSCertificate) throws(TLSError) {
        // SAFETY: the context takes references of its own to all three.
        guard
            unsafe SSL_CTX_use_cert_and_key(
                context, certificate.certificate, certificate.key, certificate.chain, 1) == 1
        else { throw .last("client certificate") }
    }

    /// A session for a connection to `address`.
    package func makeSession(
        to address: SocketAddress, resuming resumption: TLSResumption
    ) throws(TLSError) -> TLSSession {
        guard let ssl = unsafe SSL_new(context) else { throw .last("TLS session") }
        let session = unsafe TLSSession(adopting: ssl, of: self, resumption: resumption)
        unsafe SSL_set_connect_state(ssl)
        if let serverName, sendsServerName { _ = unsafe cssl_set_server_name(ssl, serverName) }
        if verifies { try unsafe expect(serverName, or: address, from: ssl) }
        unsafe resumption.offer(on: ssl)
        return session
    }

    /// RFC 6125: a name must be among the certificate's DNS names, an address among its addresses.
    private func expect(
        _ name: String?, or address: SocketAddress, from ssl: OpaquePointer
    ) throws(TLSError) {
        let isSet: Bool
        if let name {
            unsafe SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            isSet = unsafe SSL_set1_host(ssl, name) == 1
        } else {
            let bytes = address.networkBytes
            // SAFETY: the parameters are a part of `ssl`; the bytes are copied.
            isSet = unsafe X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), bytes, bytes.count) == 1
        }
        guard isSet else { throw .last("the name to verify") }
    }
}

/// A server has handed out a session: 1 keeps the reference.
private func keepSession(_ ssl: OpaquePointer?, _ session: OpaquePointer?) -> Int32 {
    // SAFETY: OpenSSL's own pointers; the reference to the session is ours with the answer 1.
    guard let session = unsafe session, let place = unsafe TLSSession.of(ssl)?.resumption else {
        return 0
    }
    unsafe place.store(session)
    return 1
}
