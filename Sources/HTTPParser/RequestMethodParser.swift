extension RequestMethod {
    /// The method with this name. Methods are case-sensitive (RFC 9110 §9.1): `get` is `.other`.
    @inline(__always)
    internal static func classify(_ name: Span<UInt8>) -> RequestMethod {
        switch name.count {
        case 3:
            if name.equals("GET") { return .get }
            if name.equals("PUT") { return .put }
        case 4:
            if name.equals("POST") { return .post }
            if name.equals("HEAD") { return .head }
        case 5:
            if name.equals("PATCH") { return .patch }
            if name.equals("TRACE") { return .trace }
        case 6:
            if name.equals("DELETE") { return .delete }
        case 7:
            if name.equals("OPTIONS") { return .options }
            if name.equals("CONNECT") { return .connect }
        default: break
        }
        return .other
    }
}
