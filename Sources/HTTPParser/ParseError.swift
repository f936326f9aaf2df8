/// Why a message was refused. The case names the rule that was broken; `status` is what a client
/// is told about it.
public enum ParseError: Error, Equatable, Sendable {
    case invalidMethod
    /// Longer than any method there is (RFC 9112 §3).
    case methodTooLong
    case invalidTarget
    case targetTooLong
    case invalidVersion
    /// A version this proxy does not speak, such as HTTP/2.0 in a request line (RFC 9110 §15.6.6).
    case unsupportedVersion
    case invalidStatusLine
    /// A line that ends in LF alone, or a CR that no LF follows (RFC 9112 §2.2).
    case bareLineEnd
    case invalidFieldName
    case invalidFieldValue
    /// A line that begins with white space: obs-fold (RFC 9112 §5.2), or before the first field.
    case foldedLine
    case whitespaceBeforeColon
    case tooManyFields
    case headTooLarge
    case missingHost
    case repeatedHost
    case invalidHost
    /// Max-Forwards of an OPTIONS that is no number, or stands twice (RFC 9110 §7.6.2).
    case invalidMaxForwards
    /// Host and the authority of absolute form name different hosts.
    case hostMismatch
    case invalidContentLength
    case conflictingContentLength
    /// RFC 9112 §6.3 item 3: both present is an attack.
    case contentLengthWithTransferEncoding
    /// Codings that do not end in one `chunked`: nobody can say where the body ends
    /// (RFC 9112 §6.3 item 4).
    case invalidTransferEncoding
    /// A coding before the final `chunked` (RFC 9112 §6.1).
    case unsupportedTransferEncoding
    /// RFC 9112 §6.1: HTTP/1.0 has no transfer codings.
    case transferEncodingInHTTP10
    /// Connection lists more options than a proxy is willing to look up for every field.
    case tooManyConnectionOptions
    case invalidChunkSize
    case chunkTooLarge
    case chunkExtensionTooLong
    case invalidChunkEnd
    case trailersTooLarge
    /// A 101 that does not answer the upgrade that was offered (RFC 9110 §15.2.2).
    case invalidUpgrade

    /// The status for the client when its request was refused for this.
    public var status: UInt16 {
        switch self {
        case .targetTooLong: 414
        case .tooManyFields, .headTooLarge, .trailersTooLarge: 431
        case .unsupportedVersion: 505
        case .methodTooLong, .unsupportedTransferEncoding: 501
        case .chunkTooLarge: 413
        default: 400
        }
    }
}
