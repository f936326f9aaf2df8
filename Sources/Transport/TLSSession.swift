internal import CSSL
internal import Glibc

/// TLS on one connection, from its handshake to its end. It speaks on the connection's own socket.
@safe
package final class TLSSession {
    let wire = TLSWire()
    private let ssl: OpaquePointer
    /// What the name that the client asked for leads to; the first are offered to it.
    var offered: [TLSCertificate] = []
    /// The client asked for a name that there is a certificate for.
    package internal(set) var isNameKnown = false
    /// What the client was asked for, by the name that it asked for.
    package internal(set) var verification: TLSClientVerification?
    /// A hello was seen, and `verification` is settled.
    var wasAsked = false
    /// The last `read` could not go on before something was written.
    private(set) var isReadWaitingForRoom = false
    /// Where the sessions go that a server hands out; nil for a server's own side.
    let resumption: TLSResumption?
    /// What `read` came to for good.
    private var verdict: IOResult?
    private var hasFailed = false
    /// Why the handshake failed, in words.
    package private(set) var failure: String?

    /// What made the session, and is asked by its callbacks.
    private let maker: AnyObject

    /// Takes over `ssl`, which is fresh.
    init(adopting ssl: OpaquePointer, of maker: AnyObject, resumption: TLSResumption?) {
        unsafe self.ssl = ssl
        self.maker = maker
        self.resumption = resumption
        let bio = unsafe wire.makeBIO()
        // SAFETY: one reference for both directions, which `ssl` takes over. The pointer to this
        // object is read by callbacks during calls below only, while it lives.
        unsafe SSL_set_bio(ssl, bio, bio)
        unsafe SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        // SAFETY: `ssl` is ours; its BIO goes with it, before the wire.
        unsafe SSL_free(ssl)
    }

    /// The session that a callback is about.
    static func of(_ ssl: OpaquePointer?) -> TLSSession? {
        // SAFETY: `init` set the pointer, and callbacks come inside of calls on a living session.
        guard let data = unsafe SSL_get_ex_data(ssl, 0) else { return nil }
        return unsafe Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
    }

    /// The socket to speak on, which the connection owns.
    func attach(to descriptor: Int32, isReadable: Bool) {
        wire.descriptor = descriptor
        wire.isReadable = isReadable
        // A socket that is connected has room; else an event tells.
        wire.isWritable = true
    }

    var isAttached: Bool { wire.descriptor >= 0 }

    /// The client speaks first.
    var speaksFirst: Bool { unsafe SSL_is_server(ssl) == 0 }

    /// There may be bytes to read: decrypted, waiting to be, or in the socket.
    var mayRead: Bool {
        unsafe verdict != nil || wire.isReadable || SSL_has_pending(ssl) == 1
    }

    /// One step of the handshake. `bytes(0)` says that it is done.
    func handshake() -> IOResult {
        ERR_clear_error()
        let result = unsafe SSL_do_handshake(ssl)
        if result == 1 { return .bytes(0) }
        let outcome = outcome(of: result)
        if case .failed = outcome { failure = describeFailure() }
        if outcome == .endOfStream { failure = "the peer has closed" }
        return outcome
    }

    /// Reads until the space is full or nothing is left. An end without a farewell is a failure:
    /// it may be an attacker's (RFC 8446 §6.1).
    func read(into space: UnsafeMutableRawBufferPointer) -> IOResult {
        if let verdict { return verdict }
        isReadWaitingForRoom = false
        var count = 0
        while count < space.count {
            forgetErrors()
            let room = Int32(clamping: space.count - count)
            // SAFETY: within the space that the caller lends for the time of this call.
            let result = unsafe SSL_read(ssl, space.baseAddress?.advanced(by: count), room)
            if result > 0 {
                count += Int(result)
                guard mayRead else { break }
                continue
            }
            let outcome = outcome(of: result)
            if outcome != .wouldBlock { verdict = outcome }
            isReadWaitingForRoom = outcome == .wouldBlock && !wire.isWritable && wantsWrite
            if count == 0 { return outcome }
            break
        }
        return .bytes(count)
    }

    /// Writes as much as the socket takes. What was begun must be tried again with the same bytes
    /// in front.
    ///
    /// - Parameter hasMore: more bytes follow at once.
    func write(_ bytes: UnsafeRawBufferPointer, hasMore: Bool = false) -> IOResult {
        var count = 0
        while count < bytes.count {
            forgetErrors()
            let rest = bytes.count - count
            wire.hasMore = hasMore || rest > Self.recordByteCountMax
            // SAFETY: within the bytes that the caller lends for the time of this call.
            let result = unsafe SSL_write(
                ssl, bytes.baseAddress?.advanced(by: count), Int32(clamping: rest))
            guard result > 0 else {
                let outcome = outcome(of: result)
                return count > 0 && outcome == .wouldBlock ? .bytes(count) : outcome
            }
            count += Int(result)
        }
        return .bytes(count)
    }

    /// RFC 8446 §5.1.
    private static let recordByteCountMax = 16_384

    /// Says farewell (close_notify). False while the socket has no room for it.
    func sayFarewell() -> Bool {
        guard !hasFailed, unsafe SSL_is_init_finished(ssl) == 1 else { return true }
        ERR_clear_error()
        wire.hasMore = false
        let result = unsafe SSL_shutdown(ssl)
        return result >= 0 || outcome(of: result) != .wouldBlock
    }

    /// `SSL_get_error` would take what an earlier call left behind for news. Nearly always there is
    /// nothing, and to look is far cheaper than to clear.
    private func forgetErrors() {
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    private var wantsWrite: Bool { unsafe SSL_want(ssl) == SSL_WRITING }

    private func outcome(of result: Int32) -> IOResult {
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wouldBlock
        case SSL_ERROR_ZERO_RETURN: return .endOfStream
        case SSL_ERROR_SYSCALL:
            hasFailed = true
            let code = wire.errorCode == 0 ? ECONNRESET : wire.errorCode
            return .failed(SystemError(call: "tls", code: code))
        default:
            hasFailed = true
            return .failed(SystemError(call: "tls", code: EPROTO))
        }
    }

    private func describeFailure() -> String {
        let verification = unsafe SSL_get_verify_result(ssl)
        if verification != X509_V_OK,
            let text = unsafe X509_verify_cert_error_string(Int(verification))
        {
            // SAFETY: a constant string of the library, which ends in 0.
            return unsafe "certificate: " + String(cString: text)
        }
        let reason = TLSError.lastReason()
        guard !reason.isEmpty else { return "the peer has closed" }
        // Before a cipher is chosen, the version is what we offer and nothing agreed.
        return unsafe SSL_get_current_cipher(ssl) == nil ? reason : "\(reason) (\(version))"
    }
}

// What was agreed.
extension TLSSession {
    /// `TLSv1.3`.
    package var version: String {
        // SAFETY: a constant string of the library, which ends in 0.
        unsafe String(cString: SSL_get_version(ssl))
    }

    /// It continues an earlier one.
    package var isResumed: Bool { unsafe SSL_session_reused(ssl) == 1 }

    /// The name that the client asked for; nil when it asked for none.
    package var serverName: String? {
        guard let name = unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) else {
            return nil
        }
        // SAFETY: it ends in 0 and lives as long as the session.
        return unsafe String(cString: name)
    }

    /// What is wrong with the peer's certificate; nil for nothing, or for none.
    package var peerProblem: TLSPeerProblem? {
        TLSPeerProblem(code: unsafe SSL_get_verify_result(ssl))
    }

    /// The peer's certificate; nil when it showed none.
    package var peerCertificate: TLSPeerCertificate? {
        guard let certificate = unsafe SSL_get0_peer_certificate(ssl) else { return nil }
        return unsafe TLSPeerCertificate(certificate)
    }
}
