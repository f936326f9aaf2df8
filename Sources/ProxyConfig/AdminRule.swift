import StickyPolicy

/// Where the operator's listener is (`admin` of the routes file, `--admin`).
package enum AdminRule: Sendable, Equatable {
    /// Not said: at `usualAddress`, where that is free.
    case usual
    case off
    /// A token is in the file, whose path is complete; nil: whoever reaches a local address may.
    case at(ListenerAddress, tokenFile: String?)

    package static let usualAddress = ListenerAddress.tcp(
        Endpoint(address: IPAddress(v4: 0x7F00_0001), port: 9_901))

    package var tokenFile: String? {
        if case .at(_, let tokenFile) = self { tokenFile } else { nil }
    }

    /// Nil, or what is missing: an address that others can reach takes a token.
    package var fault: String? {
        guard case .at(let address, nil) = self, !address.isLocal else { return nil }
        return "'admin' at \(address.text) can be reached from other machines, "
            + "so it needs a 'tokenFile'"
    }
}
