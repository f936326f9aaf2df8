import HTTPParser

/// Which trailer fields are passed on (RFC 9110 §6.5.1): not those that frame, route, authenticate
/// or modify a message. Whoever merges trailers into the head, as some libraries do, would act on
/// them after every check had been made.
enum TrailerRule {
    /// Writes what may pass of a whole trailer section, without the empty line.
    static func write(_ section: Span<UInt8>, into writer: inout ByteWriter) {
        var fields = FieldSection()
        guard TrailerParser.parse(section, into: &fields) else { return }
        fields.copyLines(in: section, into: &writer) { field in
            mayPass(hyphenated(section.extracting(field.name.offsets)).span)
        }
    }

    /// The name as a program knows it that cannot tell `_` from `-` (RFC 3875 §4.1.18).
    private static func hyphenated(_ name: Span<UInt8>) -> [UInt8] {
        name.indices.map { name[$0] == UInt8(ascii: "_") ? UInt8(ascii: "-") : name[$0] }
    }

    private static func mayPass(_ name: Span<UInt8>) -> Bool {
        // What has a case of its own is acted upon somewhere: on this side or the next.
        guard FieldName.classify(name) == .other else { return false }
        for refused in refusedNames where name.equalsIgnoringCase(refused.span) { return false }
        for prefix in refusedPrefixes where name.count >= prefix.count {
            if name.extracting(..<prefix.count).equalsIgnoringCase(prefix.span) { return false }
        }
        return true
    }

    private static let refusedPrefixes = [
        "proxy-", "x-forwarded-", "access-control-", "sec-", "if-", "accept", "x-original-",
        "x-rewrite-", "ssl-client-",
    ]
    .map { Array($0.utf8) }

    private static let refusedNames = [
        // Authentication and state.
        "authorization", "www-authenticate", "cookie2", "set-cookie2", "origin", "referer",
        // Request modifiers and response control (RFC 9110 §6.5.1).
        "max-forwards", "pragma", "range", "age", "expires", "location", "retry-after", "vary",
        "warning", "allow", "refresh", "clear-site-data", "x-http-method", "x-method-override",
        "x-http-method-override", "x-real-ip", "x-scheme", "front-end-https", "x-accel-redirect",
        // How the content is to be read.
        "content-encoding", "content-type", "content-range", "content-language",
        "content-location", "content-disposition", "content-security-policy",
        "strict-transport-security", "x-frame-options", "x-content-type-options",
    ].map { Array($0.utf8) }
}
