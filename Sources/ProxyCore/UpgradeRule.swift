package import HTTPParser

/// Which requests may turn their connection into something else (RFC 9110 §7.8).
package enum UpgradeRule {
    /// The one protocol of a request's offer that goes to the backend; nil when none does, and the
    /// request is a plain one.
    ///
    /// WebSocket passes when its handshake is valid (RFC 6455 §4.2.1); any other protocol only
    /// where its route names it, since behind a 101 we see nothing any more.
    ///
    /// - Parameter allowed: lower-case names of other protocols, with their versions.
    package static func offer(
        _ head: RequestHead, options: ConnectionOptions, in bytes: Span<UInt8>,
        allowed: [[UInt8]]
    ) -> ByteRange? {
        guard options.upgrade, head.version == .http11, let upgrade = head.fields.first(.upgrade),
            !head.fields.isRepeated(.upgrade)
        else { return nil }
        var protocols = TokenList(upgrade.value)
        var offer: ByteRange?
        while let name = protocols.next(in: bytes) {
            let token = bytes.extracting(name.offsets)
            // h2c would open a second way to the backend past every check made here
            // (RFC 9113 §3.1 has retired it), so nothing that comes with it is passed.
            if token.equalsIgnoringCase("h2c") { return nil }
            if offer == nil, mayPass(token, head, options, in: bytes, allowed) { offer = name }
        }
        return offer
    }

    private static func mayPass(
        _ token: Span<UInt8>, _ head: RequestHead, _ options: ConnectionOptions,
        in bytes: Span<UInt8>, _ allowed: [[UInt8]]
    ) -> Bool {
        if isWebSocket(token) { return UpgradeOffer.isWebSocket(head, options, in: bytes) }
        return allowed.contains { token.equalsIgnoringCase($0.span) }
    }

    package static func isWebSocket(_ token: Span<UInt8>) -> Bool {
        token.equalsIgnoringCase("websocket")
    }
}

/// What a 101 must say to be the answer to the upgrade that was offered.
package struct UpgradeExpectation: Sendable, Equatable {
    private let name: [UInt8]
    private let webSocketAccept: [UInt8]?

    /// - Parameters:
    ///   - name: the protocol that was offered to the backend.
    ///   - webSocketAccept: what Sec-WebSocket-Accept must be; nil for other protocols.
    package init(name: [UInt8], webSocketAccept: [UInt8]?) {
        self.name = name
        self.webSocketAccept = webSocketAccept
    }

    package var isWebSocket: Bool { webSocketAccept != nil }

    /// Whether a 101 switches to what was offered (RFC 9110 §7.8), by a server that has read the
    /// handshake (RFC 6455 §4.1). One that announces a body leaves open where the new protocol
    /// begins, and no 1xx has one (RFC 9110 §8.6, RFC 9112 §6.1).
    package func isMet(
        by head: ResponseHead, options: ConnectionOptions, in bytes: Span<UInt8>
    ) -> Bool {
        let fields = head.fields
        guard options.upgrade, head.version == .http11, !fields.contains(.contentLength),
            !fields.contains(.transferEncoding), let upgrade = fields.first(.upgrade),
            !fields.isRepeated(.upgrade),
            bytes.extracting(upgrade.value.offsets).equalsIgnoringCase(name.span)
        else { return false }
        guard let webSocketAccept else { return true }
        guard let accept = fields.first(.secWebSocketAccept),
            !fields.isRepeated(.secWebSocketAccept), accept.value.count == webSocketAccept.count
        else { return false }
        let proof = bytes.extracting(accept.value.offsets)
        return proof.indices.allSatisfy { proof[$0] == webSocketAccept[$0] }
    }
}
