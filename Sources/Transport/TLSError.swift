internal import CSSL

/// What TLS refuses: a key, a certificate, a setting, a peer. The text is for people.
package struct TLSError: Error, Sendable, Equatable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) {
        self.description = description
    }

    /// What the library says about the failure that just happened on this thread.
    static func last(_ subject: String) -> TLSError {
        let reason = lastReason()
        return TLSError(reason.isEmpty ? subject : "\(subject): \(reason)")
    }

    /// The library's own words for the latest failure; its list is empty afterwards.
    static func lastReason() -> String {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        guard code != 0, let text = unsafe ERR_reason_error_string(code) else { return "" }
        // SAFETY: reasons are constant strings of the library, which end in 0.
        return unsafe String(cString: text)
    }
}
