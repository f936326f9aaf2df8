import StickyPolicy

/// Addresses with ports, as the routes file writes them.
enum EndpointText {
    /// `192.0.2.1:80`, `[2001:db8::1]:80` or `localhost:80`; nil for anything else.
    static func parse(_ text: String) -> Endpoint? {
        guard let (host, port) = split(text), let port = UInt16(port) else { return nil }
        // RFC 6761 §6.3: the one name that always means the loopback address.
        if host == "localhost" { return Endpoint(address: IPAddress(v4: 0x7F00_0001), port: port) }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        let bare = isBracketed ? String(host.dropFirst().dropLast()) : host
        // Without brackets, the last group of an IPv6 address would read as the port.
        guard bare.contains(":") == isBracketed, let address = IPAddress(bare) else { return nil }
        return Endpoint(address: address, port: port)
    }

    static func split(_ text: String) -> (host: String, port: String)? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let port = text[text.index(after: colon)...]
        guard !port.isEmpty, port.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return (String(text[..<colon]), String(port))
    }
}
