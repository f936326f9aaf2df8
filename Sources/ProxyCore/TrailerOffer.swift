package import HTTPParser

/// Whether a client says that it can take trailers (RFC 9110 §10.1.4).
package enum TrailerOffer {
    /// `TE: trailers`, which counts only when Connection says that TE is of this hop.
    package static func isMade(
        by head: RequestHead, options: ConnectionOptions, in bytes: Span<UInt8>
    ) -> Bool {
        guard options.te, head.version == .http11 else { return false }
        var position = 0
        while let next = head.fields.position(of: .te, from: position) {
            var list = TokenList(head.fields[next].value)
            while let token = list.next(in: bytes) {
                if bytes.extracting(token.offsets).equalsIgnoringCase("trailers") { return true }
            }
            position = next + 1
        }
        return false
    }
}
