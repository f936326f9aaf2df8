import CSSL

/// The proof that a server has read a client's handshake (RFC 6455 §4.2.2 item 5.4).
enum WebSocketAccept {
    private static let identifier = Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)

    /// - Parameter key: the value of Sec-WebSocket-Key.
    static func value(for key: Span<UInt8>) -> [UInt8] {
        let text = key.indices.map { key[$0] } + identifier
        var digest = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
        // SAFETY: the text's own memory and count; SHA1 writes SHA_DIGEST_LENGTH bytes.
        _ = unsafe SHA1(text, text.count, &digest)
        // Four characters for each three bytes begun, and the zero that ends a C string.
        var encoded = [UInt8](repeating: 0, count: (digest.count + 2) / 3 * 4 + 1)
        // SAFETY: the digest's own memory and count; the room was computed from it.
        _ = unsafe EVP_EncodeBlock(&encoded, digest, Int32(digest.count))
        return encoded.dropLast()
    }
}
