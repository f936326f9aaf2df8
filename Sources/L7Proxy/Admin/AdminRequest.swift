import HTTPParser

/// A request to the admin listener, as text: small, rare, and of people or their tools.
struct AdminRequest: Sendable {
    let method: RequestMethod
    /// The parts of the path, decoded: `["api", "backends", "10.0.0.1:80", "drain"]`.
    let path: [String]
    private let query: [(name: String, value: String)]
    /// Without port; with brackets when it is an IPv6 literal.
    let host: String
    /// Host and port, as a browser compares them with `origin`.
    let authority: String
    /// Values of these fields, one for each line.
    private(set) var authorizations: [String] = []
    private(set) var origins: [String] = []

    init(_ head: RequestHead, in bytes: Span<UInt8>) {
        func text(_ range: ByteRange) -> String { AdminRequest.text(bytes, range) }
        method = head.method
        path = text(head.path).split(separator: "/", omittingEmptySubsequences: true)
            .map { PercentEncoding.decode($0) }
        query = AdminRequest.pairs(text(head.query))
        host = text(head.host).lowercased()
        authority = text(head.authority).lowercased()
        for position in 0..<head.fields.count {
            let field = head.fields[position]
            let name = bytes.extracting(field.name.offsets)
            if name.equalsIgnoringCase("authorization") {
                authorizations.append(text(field.value))
            } else if name.equalsIgnoringCase("origin") {
                origins.append(text(field.value).lowercased())
            }
        }
    }

    /// The value of the first query parameter of this name.
    func value(_ name: String) -> String? { values(name).first }

    /// The values of all query parameters of this name, in order.
    func values(_ name: String) -> [String] {
        query.filter { $0.name == name }.map(\.value)
    }

    private static func text(_ bytes: Span<UInt8>, _ range: ByteRange) -> String {
        var text: [UInt8] = []
        for offset in range.offsets { text.append(bytes[offset]) }
        return String(decoding: text, as: UTF8.self)
    }

    private static func pairs(_ query: String) -> [(name: String, value: String)] {
        query.split(separator: "&").map { pair in
            let name = pair.prefix { $0 != "=" }
            let value = pair.dropFirst(name.count + 1)
            return (
                PercentEncoding.decode(name, isForm: true),
                PercentEncoding.decode(value, isForm: true)
            )
        }
    }
}
