import HTTPParser

/// Names of request fields that only the proxy may send to a backend, beside those that have a case
/// in `FieldName`.
///
/// Also under the names that come to the same in a program that reads fields from environment
/// variables, where `-` becomes `_` (RFC 3875 §4.1.18): for such a program `X_Forwarded_For` of a
/// client would be what we say about that client, and `Content_Length` a second length.
enum ReservedName {
    static func isName(_ name: Span<UInt8>, peerIsTrusted: Bool) -> Bool {
        // By first letter and length: nearly all names are done with here.
        guard name.count >= 8 else { return false }
        switch name[0] | 0x20 {
        case UInt8(ascii: "s"):
            return isClientCertificate(name)
        case UInt8(ascii: "x"):
            return isExtension(name, peerIsTrusted: peerIsTrusted)
        case UInt8(ascii: "c"):
            return name.count == 14 && isSame(name, "content-length")
        case UInt8(ascii: "t"):
            return name.count == 17 && isSame(name, "transfer-encoding")
        case UInt8(ascii: "p"):
            // RFC 9110 §11.7.2: for a proxy that asked for it, which no backend of ours is.
            return name.count == 19 && isSame(name, "proxy-authorization")
        default:
            return false
        }
    }

    /// The fields in which ingress-nginx tells backends about a client's certificate. A client that
    /// sends them itself is not believed, whether it has a certificate or not.
    private static func isClientCertificate(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case 15: isSame(name, "ssl-client-cert")
        case 17: isSame(name, "ssl-client-verify")
        case 20: isSame(name, "ssl-client-issuer-dn")
        case 21: isSame(name, "ssl-client-subject-dn")
        default: false
        }
    }

    /// Names that begin with `X-`. A peer that is trusted may send any but the disguised ones,
    /// which it did not write itself.
    private static func isExtension(_ name: Span<UInt8>, peerIsTrusted: Bool) -> Bool {
        let isReserved =
            switch name.count {
            case 8: isSame(name, "x-scheme")
            case 9: isSame(name, "x-real-ip")
            case 12: isSame(name, "x-request-id")
            case 15 where isSame(name, "x-session-moved"): true
            case 22... where isSame(name.extracting(..<21), "x-original-forwarded-"): true
            case 13...: isSame(name.extracting(..<12), "x-forwarded-")
            default: false
            }
        return isReserved && !(peerIsTrusted && !hasUnderscore(name))
    }

    private static func hasUnderscore(_ name: Span<UInt8>) -> Bool {
        for index in name.indices where name[index] == UInt8(ascii: "_") { return true }
        return false
    }

    /// Whether an environment cannot tell the name from this one, which is in lower case and of the
    /// same length.
    private static func isSame(_ name: Span<UInt8>, _ lowercase: StaticString) -> Bool {
        precondition(name.count == lowercase.utf8CodeUnitCount)
        for index in 0..<name.count {
            // SAFETY: the literal has as many bytes as the name, and lives for ever.
            let expected = unsafe lowercase.utf8Start[index]
            let found = name[index] == UInt8(ascii: "_") ? UInt8(ascii: "-") : name[index] | 0x20
            guard found == expected | 0x20 else { return false }
        }
        return true
    }
}
