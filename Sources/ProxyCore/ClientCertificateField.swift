import HTTPParser

/// The fields in which ingress-nginx tells backends about a client's certificate. A client that
/// sends them itself is not believed, whether it has a certificate or not.
enum ClientCertificateField {
    /// Also with underscores: to programs that read fields from environment variables, both are
    /// the same.
    static func isName(_ name: Span<UInt8>) -> Bool {
        // By length and first letter: nearly all names are done with here.
        guard (15...21).contains(name.count), name[0] | 0x20 == UInt8(ascii: "s") else {
            return false
        }
        switch name.count {
        case 15: return matches(name, "ssl-client-cert")
        case 17: return matches(name, "ssl-client-verify")
        case 20: return matches(name, "ssl-client-issuer-dn")
        case 21: return matches(name, "ssl-client-subject-dn")
        default: return false
        }
    }

    private static func matches(_ name: Span<UInt8>, _ literal: StaticString) -> Bool {
        for index in 0..<name.count {
            // SAFETY: the literal has as many bytes as the name, by the switch above.
            let expected = unsafe literal.utf8Start[index]
            let found = name[index] == UInt8(ascii: "_") ? UInt8(ascii: "-") : name[index] | 0x20
            guard found == expected | 0x20 else { return false }
        }
        return true
    }
}
