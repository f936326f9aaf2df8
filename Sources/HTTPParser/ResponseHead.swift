/// A status line and its fields, as offsets into the bytes they were parsed from.
public struct ResponseHead: Sendable {
    public var version = HTTPVersion.http11
    /// 100...599.
    public var status: UInt16 = 200
    public var reason = ByteRange.empty
    public var fields = FieldSection()

    public init() {}

    /// RFC 9110 §15.2: a 1xx other than 101 announces another head for the same request.
    public var isInterim: Bool { status < 200 && status != 101 }
}
