package import HTTPParser

/// Which upstream connections may carry another request.
package enum ConnectionReuse {
    /// By what the response says (RFC 9112 §9.3). That both messages were whole, and nothing came
    /// behind them, is for others to know.
    package static func mayKeep(
        _ head: ResponseHead, framing: BodyFraming, options: ConnectionOptions
    ) -> Bool {
        guard !framing.isUntilClose, !hasDoubtfulEnd(head, framing: framing) else { return false }
        return options.persists(in: head.version)
    }

    /// A message that by RFC 9112 §6.3 has no body but announces one. Whoever wrote it may send the
    /// body all the same, and the next client would read it as its answer. The length in an answer
    /// to HEAD, and in a 304, is that of another message (RFC 9110 §8.6).
    private static func hasDoubtfulEnd(_ head: ResponseHead, framing: BodyFraming) -> Bool {
        guard framing.isNone else { return false }
        return head.fields.contains(.transferEncoding)
            || (head.status == 204 && head.fields.contains(.contentLength))
    }
}
