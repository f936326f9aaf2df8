import CSSL

/// The page of the admin listener: it shows what the API and the metrics say, and loads nothing
/// from anywhere else.
enum DashboardPage {
    static func response() -> AdminResponse {
        var response = AdminResponse(.html, html)
        response.contentSecurityPolicy = policy
        return response
    }

    private static let html = Array(
        (DashboardText.head + "<style>" + DashboardText.style + "</style>" + DashboardText.body
            + "<script>" + DashboardText.script + "</script>\n").utf8)

    /// Only this style and this script, by their digests: nothing that got into the page could run.
    private static let policy =
        "default-src 'none'; style-src '\(digest(of: DashboardText.style))'; "
        + "script-src '\(digest(of: DashboardText.script))'; connect-src 'self'; img-src data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    private static func digest(of text: String) -> String {
        let bytes = Array(text.utf8)
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        // SAFETY: the text's own memory and count; SHA256 writes SHA256_DIGEST_LENGTH bytes.
        _ = unsafe SHA256(bytes, bytes.count, &digest)
        // Four characters for each three bytes begun, and the zero that ends a C string.
        var encoded = [UInt8](repeating: 0, count: (digest.count + 2) / 3 * 4 + 1)
        // SAFETY: the digest's own memory and count; the room was computed from it.
        _ = unsafe EVP_EncodeBlock(&encoded, digest, Int32(digest.count))
        return "sha256-" + String(decoding: encoded.dropLast(), as: UTF8.self)
    }
}
