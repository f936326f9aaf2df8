internal import CSSL

/// The session that the next connection to the same peer resumes: one place, for the newest.
///
/// Not for two peers, and not for two ways of verifying one: a resumed session is not verified
/// again. It belongs to one loop.
@safe
package final class TLSResumption {
    private var session: OpaquePointer?

    package init() {}

    deinit {
        unsafe SSL_SESSION_free(session)
    }

    /// Takes over a reference.
    func store(_ newest: OpaquePointer) {
        // SAFETY: the reference that is let go of is the one that was taken over.
        unsafe SSL_SESSION_free(session)
        unsafe session = newest
    }

    func offer(on ssl: OpaquePointer) {
        guard let session = unsafe session, unsafe SSL_SESSION_is_resumable(session) == 1 else {
            return
        }
        // SAFETY: `ssl` takes a reference of its own.
        _ = unsafe SSL_set_session(ssl, session)
    }
}
