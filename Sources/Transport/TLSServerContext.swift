internal import CSSL

/// What a TLS server is to do. The certificates are added afterwards.
package struct TLSServerSettings: Sendable {
    package var minimumVersion = TLSVersion.tls12
    /// PEM: who signs the certificates that clients must show; nil asks for none.
    package var clientAuthorities: [UInt8]?
    /// Protocol names for ALPN (RFC 7301), the preferred one first; empty answers no offer.
    package var protocols: [String] = []
    package var ticketKeys: TLSTicketKeys
    /// What is asked of clients by the name that they ask for. None has an effect where
    /// `clientAuthorities` has one.
    package var verifications: [TLSVerificationTable.Entry] = []

    package init(ticketKeys: TLSTicketKeys) {
        self.ticketKeys = ticketKeys
    }
}

/// The server's side of TLS for one listener: certificates by name, versions, ciphers, tickets.
/// Immutable once it is shared, and shared by all loops.
@safe
package final class TLSServerContext: Sendable {
    // SAFETY: OpenSSL counts references and locks what changes inside; we change nothing after
    // `init`.
    nonisolated(unsafe) private let context: OpaquePointer
    private let table: TLSNameTable
    /// For clients that ask for no name or an unknown one.
    private let fallback: TLSNameTable.Group
    private let ticketKeys: TLSTicketKeys
    /// As ALPN has it: each name with its length in front.
    private let protocols: [UInt8]
    package let requiresClientCertificate: Bool
    private let verifications: TLSVerificationTable

    /// A certificate and the names it is for; without names, its own.
    package typealias Entry = (certificate: TLSCertificate, names: [String]?)

    /// - Parameter entries: the first is the fallback; without any, every handshake fails.
    package init(_ settings: TLSServerSettings, entries: [Entry]) throws(TLSError) {
        var table = TLSNameTable()
        for (certificate, names) in entries {
            for name in names ?? certificate.names { table.add(certificate, for: name) }
        }
        self.table = table
        fallback = Self.fallbackGroup(entries)
        ticketKeys = settings.ticketKeys
        protocols = settings.protocols.flatMap { [UInt8(clamping: $0.utf8.count)] + $0.utf8 }
        requiresClientCertificate = settings.clientAuthorities != nil
        verifications = TLSVerificationTable(settings.verifications)
        unsafe context = try TLSLibrary.makeContext(TLS_server_method())
        try configure(settings)
    }

    deinit {
        unsafe SSL_CTX_free(context)
    }

    /// The first certificate, and others for the same names with other kinds of key.
    private static func fallbackGroup(_ entries: [Entry]) -> TLSNameTable.Group {
        guard let first = entries.first?.certificate else { return [] }
        var table = TLSNameTable()
        table.add(first, for: "")
        for (certificate, _) in entries where certificate.names == first.names {
            table.add(certificate, for: "")
        }
        return table.group(for: "") ?? [first]
    }

    /// Whether a certificate is there for this name.
    package func hasCertificate(for name: String) -> Bool { table.group(for: name) != nil }

    /// A session for a connection that was accepted.
    package func makeSession() throws(TLSError) -> TLSSession {
        guard let ssl = unsafe SSL_new(context) else { throw .last("TLS session") }
        unsafe SSL_set_accept_state(ssl)
        return unsafe TLSSession(adopting: ssl, of: self, resumption: nil)
    }
}

// Setting up.
extension TLSServerContext {
    private func configure(_ settings: TLSServerSettings) throws(TLSError) {
        unsafe cssl_context_set_server_options(context)
        try unsafe TLSLibrary.setMinimumVersion(settings.minimumVersion, of: context)
        try setCiphers()
        if let authorities = settings.clientAuthorities {
            try unsafe TLSLibrary.trust(authorities, in: context)
            try nameAuthorities(authorities)
            unsafe SSL_CTX_set_verify(
                context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        }
        unsafe SSL_CTX_set_cert_verify_callback(context, verifyClient, nil)
        setSessions(settings)
        if !requiresClientCertificate && !settings.verifications.isEmpty {
            unsafe SSL_CTX_set_client_hello_cb(context, askForCertificate, nil)
        }
        // SAFETY: callbacks run inside of calls on sessions, and every session keeps this object.
        unsafe SSL_CTX_set_ex_data(context, 0, Unmanaged.passUnretained(self).toOpaque())
        unsafe SSL_CTX_set_cert_cb(context, chooseCertificates, nil)
        unsafe cssl_context_set_status_callback(context, addStaple)
        if !protocols.isEmpty { unsafe SSL_CTX_set_alpn_select_cb(context, chooseProtocol, nil) }
    }

    /// Mozilla's intermediate list (guideline 5.7): forward secrecy and authenticated encryption
    /// only. Elliptic curves only, so there are no Diffie-Hellman parameters to choose.
    private static let ciphers = """
        ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
        ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:\
        ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
        """
    /// Of TLS 1.3, in Mozilla's order: keys of 128 bits first. OpenSSL would begin with 256 bits
    /// and SHA-384, which costs a twentieth more.
    private static let suites = """
        TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256
        """
    private static let groups = "X25519:prime256v1:secp384r1"

    private func setCiphers() throws(TLSError) {
        // SAFETY: the texts end in 0 and are copied.
        guard unsafe SSL_CTX_set_cipher_list(context, Self.ciphers) == 1,
            unsafe SSL_CTX_set_ciphersuites(context, Self.suites) == 1,
            unsafe cssl_context_set_groups(context, Self.groups) == 1
        else { throw .last("TLS ciphers") }
    }

    /// Tells clients which certificates will do (RFC 8446 §4.2.4).
    private func nameAuthorities(_ text: [UInt8]) throws(TLSError) {
        let list = try PEMReader.certificates(in: text)
        defer { list.free() }
        // SAFETY: the list's own pointers, within its count; the names are copied.
        unsafe SSL_CTX_add_client_CA(context, list.leaf)
        for index in 0..<Int32(unsafe cssl_chain_count(list.issuers)) {
            unsafe SSL_CTX_add_client_CA(context, cssl_chain_get(list.issuers, index))
        }
    }

    /// Tickets only: a cache of sessions would be a lock between the loops.
    private func setSessions(_ settings: TLSServerSettings) {
        // SAFETY: the identity is copied, at most 32 bytes of it.
        unsafe cssl_context_set_session_cache_mode(context, Int(SSL_SESS_CACHE_OFF))
        unsafe cssl_context_set_ticket_callback(context, prepareTicket)
        // A day: as long as the ticket keys last.
        unsafe SSL_CTX_set_timeout(context, 86_400)
        // A session is resumed only where the same authorities verify clients: what a client was
        // let in for elsewhere, or before a reload, is no admission here.
        let identity = TLSDigest.of([settings.clientAuthorities ?? []])
        unsafe SSL_CTX_set_session_id_context(context, identity, UInt32(identity.count))
    }
}

// While a handshake runs.
extension TLSServerContext {
    fileprivate static func of(_ ssl: OpaquePointer?) -> TLSServerContext? {
        // SAFETY: `configure` set the pointer.
        guard let data = unsafe cssl_context_data(ssl) else { return nil }
        return unsafe Unmanaged<TLSServerContext>.fromOpaque(data).takeUnretainedValue()
    }

    /// Offers what there is for the name, of each kind of key; which one fits the client OpenSSL
    /// finds out.
    fileprivate func choose(for session: TLSSession, _ ssl: OpaquePointer) -> Bool {
        let group = session.serverName.flatMap { table.group(for: $0) }
        session.isNameKnown = group != nil
        session.offered = group ?? fallback
        for offer in session.offered {
            // SAFETY: `ssl` takes references of its own to all three.
            guard
                unsafe SSL_use_cert_and_key(ssl, offer.certificate, offer.key, offer.chain, 1) == 1
            else { return false }
        }
        return true
    }

    /// False for a client that changes its mind about the name between two hellos.
    fileprivate func ask(_ session: TLSSession, _ ssl: OpaquePointer, name: String?) -> Bool {
        let found = verifications.verification(for: name)
        if session.wasAsked { return session.verification === found }
        session.wasAsked = true
        session.verification = found
        // SAFETY: OpenSSL's own pointer, for the time of this call.
        return unsafe found?.apply(to: ssl) ?? true
    }

    fileprivate func ticket(_ ticket: TLSTicketKeys.Ticket, encrypts: Bool) -> Int32 {
        ticketKeys.prepare(ticket, encrypts: encrypts)
    }

    /// The server's preference among what the client offers.
    fileprivate func selectProtocol(
        _ offered: UnsafeBufferPointer<UInt8>,
        _ selected: UnsafeMutablePointer<UnsafePointer<UInt8>?>,
        _ length: UnsafeMutablePointer<UInt8>
    ) -> Bool {
        // SAFETY: both lists with their own counts; what is found lies in one of them, and OpenSSL
        // copies it before this object can go.
        unsafe protocols.withUnsafeBufferPointer { ours in
            var found: UnsafeMutablePointer<UInt8>?
            let result = unsafe SSL_select_next_proto(
                &found, length, ours.baseAddress, UInt32(ours.count), offered.baseAddress,
                UInt32(offered.count))
            unsafe selected.pointee = UnsafePointer(found)
            return result == OPENSSL_NPN_NEGOTIATED
        }
    }
}

/// The earliest moment at which the name is known: before a ticket is looked at, which another name
/// may have handed out.
private func askForCertificate(
    _ ssl: OpaquePointer?, _ alert: UnsafeMutablePointer<Int32>?, _ unused: UnsafeMutableRawPointer?
) -> Int32 {
    // SAFETY: OpenSSL's own pointers, for the time of this call, with their count.
    guard let ssl = unsafe ssl, let session = unsafe TLSSession.of(ssl),
        let context = unsafe TLSServerContext.of(ssl)
    else { return SSL_CLIENT_HELLO_ERROR }
    var bytes: UnsafePointer<UInt8>?
    var count = 0
    var name: String?
    if unsafe SSL_client_hello_get0_ext(ssl, UInt32(TLSEXT_TYPE_server_name), &bytes, &count) == 1 {
        name = unsafe TLSHelloName.read(UnsafeBufferPointer(start: bytes, count: count))
    }
    let isFine = unsafe context.ask(session, ssl, name: name)
    return isFine ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR
}

/// As the library verifies by itself, but nothing is left in its list of errors where the handshake
/// goes on: while this waits for the rest of what a client says, `SSL_get_error` would take for its
/// end what was found in the certificate and is let pass.
private func verifyClient(_ context: OpaquePointer?, _ unused: UnsafeMutableRawPointer?) -> Int32 {
    // SAFETY: OpenSSL's own pointer, for the time of this call.
    guard unsafe X509_verify_cert(context) > 0 else { return 0 }
    ERR_clear_error()
    return 1
}

private func chooseCertificates(_ ssl: OpaquePointer?, _ unused: UnsafeMutableRawPointer?) -> Int32
{
    // SAFETY: OpenSSL's own pointer, for the time of this call.
    guard let ssl = unsafe ssl, let session = unsafe TLSSession.of(ssl),
        let context = unsafe TLSServerContext.of(ssl)
    else { return 0 }
    return unsafe context.choose(for: session, ssl) ? 1 : 0
}

/// Shows the OCSP answer of the certificate that was chosen, to a client that asked.
private func addStaple(_ ssl: OpaquePointer?, _ unused: UnsafeMutableRawPointer?) -> Int32 {
    // SAFETY: OpenSSL's own pointers, for the time of this call; the bytes are copied.
    let chosen = unsafe SSL_get_certificate(ssl)
    guard let session = unsafe TLSSession.of(ssl),
        let certificate = session.offered.first(where: { unsafe $0.certificate == chosen }),
        !certificate.staple.isEmpty,
        unsafe cssl_set_staple(ssl, certificate.staple, certificate.staple.count) == 1
    else { return SSL_TLSEXT_ERR_NOACK }
    return SSL_TLSEXT_ERR_OK
}

private func prepareTicket(
    _ ssl: OpaquePointer?, _ name: UnsafeMutablePointer<UInt8>?,
    _ vector: UnsafeMutablePointer<UInt8>?, _ cipher: OpaquePointer?, _ mac: OpaquePointer?,
    _ encrypts: Int32
) -> Int32 {
    // SAFETY: OpenSSL's own pointers, for the time of this call.
    guard let name = unsafe name, let vector = unsafe vector,
        let context = unsafe TLSServerContext.of(ssl)
    else { return -1 }
    let ticket = unsafe TLSTicketKeys.Ticket(name: name, vector: vector, cipher: cipher, mac: mac)
    let answer = context.ticket(ticket, encrypts: encrypts == 1)
    // A client uses a ticket of TLS 1.3 only once (RFC 8446 appendix C.4): each that is read is
    // replaced, or every other handshake would be a whole one. Not where clients are verified: with
    // ever new tickets, a certificate would be good long after its end.
    // SAFETY: as above.
    let isUsedUp = unsafe SSL_version(ssl) == TLS1_3_VERSION
    let isReplaced = unsafe isUsedUp && SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE
    return answer == 1 && encrypts == 0 && isReplaced ? 2 : answer
}

/// RFC 7301 §3.2: no protocol in common ends the handshake.
private func chooseProtocol(
    _ ssl: OpaquePointer?, _ selected: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ length: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ count: UInt32,
    _ unused: UnsafeMutableRawPointer?
) -> Int32 {
    // SAFETY: OpenSSL's own pointers, for the time of this call, with their count.
    guard let selected = unsafe selected, let length = unsafe length,
        let context = unsafe TLSServerContext.of(ssl)
    else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    let list = unsafe UnsafeBufferPointer(start: offered, count: Int(count))
    let isAgreed = unsafe context.selectProtocol(list, selected, length)
    return isAgreed ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL
}
