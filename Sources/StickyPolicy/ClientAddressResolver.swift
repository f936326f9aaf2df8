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
    /// All X-Forwarded-For lines are one list, walked from the right past trusted addresses. The
    /// first untrusted one is the client; where all are trusted, the leftmost is. An element that
    /// is no address ends the walk at the last good one: nobody vouches for what is left of it.
    public func client(
        peer: IPAddress, head: RequestHead, in bytes: Span<UInt8>
    ) -> IPAddress {
        guard source == .xForwardedFor, head.fields.contains(.xForwardedFor), isTrusted(peer) else {
            return peer
        }
        var walk = ListWalk(client: peer, elementsLeft: Self.elementsMax)
        var position = head.fields.count - 1
        while position >= 0, !walk.isOver {
            let field = head.fields[position]
            if field.known == .xForwardedFor {
                self.walk(&walk, bytes.extracting(field.value.offsets))
            }
            position -= 1
        }
        return walk.client
    }

    /// Takes one line's elements from the right until the walk is over.
    private func walk(_ walk: inout ListWalk, _ line: Span<UInt8>) {
        var end = line.count
        while !walk.isOver {
            var start = end
            while start > 0, line[start - 1] != 0x2C { start -= 1 }
            let element = line.extracting(line.trimmed(start..<end))
            walk.take(element) { isTrusted($0) }
            guard start > 0 else { return }
            end = start - 1
        }
    }
}

/// A walk along a list of addresses, nearest proxy first.
private struct ListWalk {
    /// The last good address.
    var client: IPAddress
    var elementsLeft: Int
    var isOver = false

    mutating func take(_ element: Span<UInt8>, isTrusted: (IPAddress) -> Bool) {
        elementsLeft -= 1
        if elementsLeft <= 0 { isOver = true }
        // RFC 9110 §5.6.1.2: a recipient of a list skips empty elements.
        if element.isEmpty { return }
        guard let address = IPAddress(parsingNode: element) else {
            isOver = true
            return
        }
        client = address
        if !isTrusted(address) { isOver = true }
    }
}
