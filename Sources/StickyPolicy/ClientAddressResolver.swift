public import HTTPParser

/// Finds out who the client is: the peer of the connection, or whom trusted peers say they speak
/// for.
///
/// Nobody is trusted unless the configuration says so.
public struct ClientAddressResolver: Sendable {
    /// Which field names the client, when a trusted peer sent it.
    public enum Source: Sendable, Equatable {
        case connection
        case xForwardedFor
        /// RFC 7239.
        case forwarded
        case xRealIP
    }

    /// One element of the walk, nearest proxy first.
    public enum Step: Equatable, Sendable {
        /// It is trusted, and so is its word about the next.
        case passed(IPAddress)
        /// Nobody trusts it: it is the client.
        case client(IPAddress)
        /// It is no address, so whoever named it is the client.
        case junk
    }

    private let source: Source
    private let trusted: [IPNetwork]

    /// 64: far more proxies than stand in a row anywhere; a longer list is not walked to its end.
    private static var elementsMax: Int { 64 }

    public init(source: Source, trusted: [IPNetwork]) {
        self.source = source
        self.trusted = trusted
    }

    /// Whether this peer's word about the client is taken.
    public func isTrusted(_ peer: IPAddress) -> Bool {
        for index in trusted.indices where trusted[index].contains(peer) { return true }
        return false
    }

    /// The address of the client of this request.
    ///
    /// All lines of the field are one list, walked from the right past trusted addresses. The first
    /// untrusted one is the client; where all are trusted, the leftmost is. An element that is no
    /// address ends the walk at the last good one: nobody vouches for what is left of it.
    public func client(
        peer: IPAddress, head: RequestHead, in bytes: Span<UInt8>
    ) -> IPAddress {
        guard let field else { return peer }
        guard head.fields.contains(field), isTrusted(peer) else { return peer }
        return walk(field, from: peer, (head, { _ in }), in: bytes)
    }

    /// The same, and the walk step by step.
    public func explain(
        peer: IPAddress, head: RequestHead, in bytes: Span<UInt8>
    ) -> (client: IPAddress, steps: [Step]) {
        var steps: [Step] = [isTrusted(peer) ? .passed(peer) : .client(peer)]
        guard let field, head.fields.contains(field), isTrusted(peer) else { return (peer, steps) }
        let client = walk(field, from: peer, (head, { steps.append($0) }), in: bytes)
        return (client, steps)
    }

    private var field: FieldName? {
        switch source {
        case .connection: nil
        case .xForwardedFor: .xForwardedFor
        case .forwarded: .forwarded
        case .xRealIP: .xRealIP
        }
    }

    private func walk(
        _ field: FieldName, from peer: IPAddress,
        _ request: (head: RequestHead, observe: (Step) -> Void), in bytes: Span<UInt8>
    ) -> IPAddress {
        var walk = ListWalk(client: peer, elementsLeft: Self.elementsMax)
        let fields = request.head.fields
        var position = fields.count - 1
        while position >= 0, !walk.isOver {
            if fields[position].known == field {
                let line = bytes.extracting(fields[position].value.offsets)
                self.walk(&walk, line, request.observe)
            }
            position -= 1
        }
        return walk.client
    }

    /// Takes one line's elements from the right until the walk is over.
    private func walk(_ walk: inout ListWalk, _ line: Span<UInt8>, _ observe: (Step) -> Void) {
        var end = line.count
        while !walk.isOver {
            let start = line.elementStart(before: end, honoursQuotes: source == .forwarded)
            let element = line.extracting(line.trimmed(start..<end))
            take(element, &walk, observe)
            guard start > 0 else { return }
            end = start - 1
        }
    }

    private func take(_ element: Span<UInt8>, _ walk: inout ListWalk, _ observe: (Step) -> Void) {
        walk.elementsLeft -= 1
        if walk.elementsLeft <= 0 { walk.isOver = true }
        // RFC 9110 §5.6.1.2: a recipient of a list skips empty elements.
        if element.isEmpty { return }
        let address =
            source == .forwarded
            ? ForwardedElement.address(in: element) : IPAddress(parsingNode: element)
        guard let address else {
            walk.isOver = true
            return observe(.junk)
        }
        walk.client = address
        if isTrusted(address) {
            observe(.passed(address))
        } else {
            walk.isOver = true
            observe(.client(address))
        }
    }
}

/// A walk along a list of addresses, nearest proxy first.
private struct ListWalk {
    /// The last good address.
    var client: IPAddress
    var elementsLeft: Int
    var isOver = false
}

extension Span where Element == UInt8 {
    /// Where the list element begins that ends at `end`: behind a comma, or at the start.
    ///
    /// - Parameter honoursQuotes: a comma between quotes separates nothing. Read from the right, a
    ///   quote that is escaped is taken for one that is not; no address holds one.
    fileprivate func elementStart(before end: Int, honoursQuotes: Bool) -> Int {
        var start = end
        var isQuoted = false
        while start > 0, self[start - 1] != 0x2C || isQuoted {
            if honoursQuotes, self[start - 1] == 0x22 { isQuoted.toggle() }
            start -= 1
        }
        return start
    }
}
