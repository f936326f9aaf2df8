/// Recognises the opening handshake of the WebSocket protocol.
public enum UpgradeOffer {
    /// Whether a request offers to become a WebSocket, by all that RFC 6455 §4.2.1 asks of it.
    ///
    /// - Parameter options: read from the same head.
    public static func isWebSocket(
        _ head: RequestHead, _ options: ConnectionOptions, in bytes: Span<UInt8>
    ) -> Bool {
        options.upgrade && head.method == .get && head.version == .http11
            && listsWebSocket(head.fields, in: bytes)
            && hasKey(head.fields, in: bytes)
            && hasVersion13(head.fields, in: bytes)
    }

    private static func listsWebSocket(_ fields: FieldSection, in bytes: Span<UInt8>) -> Bool {
        var position = 0
        while let next = fields.position(of: .upgrade, from: position) {
            var list = TokenList(fields[next].value)
            while let token = list.next(in: bytes) {
                if bytes.extracting(token.offsets).equalsIgnoringCase("websocket") { return true }
            }
            position = next + 1
        }
        return false
    }

    /// One key of 16 bytes in base64: 22 characters and `==`.
    private static func hasKey(_ fields: FieldSection, in bytes: Span<UInt8>) -> Bool {
        guard let field = fields.first(.secWebSocketKey), field.value.count == 24,
            !fields.isRepeated(.secWebSocketKey)
        else { return false }
        let key = bytes.extracting(field.value.offsets)
        for offset in 0..<22 where !CharacterClass.isBase64(key[offset]) { return false }
        return key[22] == ASCII.equals && key[23] == ASCII.equals
    }

    private static func hasVersion13(_ fields: FieldSection, in bytes: Span<UInt8>) -> Bool {
        guard let field = fields.first(.secWebSocketVersion),
            !fields.isRepeated(.secWebSocketVersion)
        else { return false }
        return bytes.extracting(field.value.offsets).equals("13")
    }
}
