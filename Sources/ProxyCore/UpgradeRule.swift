package import HTTPParser

/// Which requests may turn their connection into something else (RFC 9110 §7.8).
package enum UpgradeRule {
    /// Whether the offer goes to the backend. One that does not is a plain request.
    package static func mayPass(
        _ head: RequestHead, options: ConnectionOptions, in bytes: Span<UInt8>
    ) -> Bool {
        guard options.upgrade, head.version == .http11, let upgrade = head.fields.first(.upgrade),
            !head.fields.isRepeated(.upgrade)
        else { return false }
        var protocols = TokenList(upgrade.value)
        var isWebSocket = false
        while let name = protocols.next(in: bytes) {
            let token = bytes.extracting(name.offsets)
            // h2c would open a second way to the backend past every check made here
            // (RFC 9113 §3.1 has retired it).
            if token.equalsIgnoringCase("h2c") { return false }
            if token.equalsIgnoringCase("websocket") { isWebSocket = true }
        }
        return !isWebSocket || UpgradeOffer.isWebSocket(head, options, in: bytes)
    }
}
