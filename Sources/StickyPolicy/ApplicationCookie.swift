internal import HTTPParser

/// Finds an application's session id in requests: in a cookie, in a parameter of the path
/// (`;jsessionid=…`) or in the query, as servlet containers write it.
struct ApplicationCookie: Sendable {
    private let scanner: CookieScanner
    private let name: [UInt8]

    /// 8, as for our own cookies.
    private static var cookiesMax: Int { 8 }

    init(name: String) {
        scanner = CookieScanner(name: name)
        self.name = Array(name.utf8)
    }

    /// The first id for which `body` has an answer, and that answer; the first id of all, where
    /// there is none.
    func find<Answer>(
        in head: RequestHead, _ bytes: Span<UInt8>, _ body: (Span<UInt8>) -> Answer?
    ) -> (id: ByteRange?, answer: Answer?) {
        var first: ByteRange?
        var cursor = CookieScanner.Cursor(in: head)
        for _ in 0..<Self.cookiesMax {
            guard let value = scanner.next(&cursor, head: head, in: bytes) else { break }
            if value.isEmpty { continue }
            if let answer = body(bytes.extracting(value.offsets)) { return (value, answer) }
            first = first ?? value
        }
        let others: InlineArray<2, ByteRange?> = [
            RequestKey.pathParameter(name, head, in: bytes),
            RequestKey.parameter(name, in: head.query, of: bytes, separator: 0x26),
        ]
        for index in others.indices {
            guard let value = others[index], !value.isEmpty else { continue }
            if let answer = body(bytes.extracting(value.offsets)) { return (value, answer) }
            first = first ?? value
        }
        return (first, nil)
    }

    /// The id that a `Set-Cookie` value sets; nil for another cookie, or one that is deleted.
    func idSet(by line: Span<UInt8>) -> Range<Int>? {
        let pairEnd = line.firstIndex(of: 0x3B) ?? line.count
        guard let equals = line.firstIndex(of: 0x3D), equals < pairEnd else { return nil }
        let found = line.trimmed(0..<equals)
        guard found.count == name.count else { return nil }
        for offset in 0..<found.count where line[found.lowerBound + offset] != name[offset] {
            return nil
        }
        let value = line.trimmed(equals + 1..<pairEnd)
        return value.isEmpty ? nil : value
    }
}
