package import HTTPParser

/// What becomes of the connection, as the client is told (RFC 9112 §9.3).
package enum Persistence: Equatable, Sendable {
    /// What the client's version means anyway.
    case implied
    case keepAlive
    case close
    /// A 101: the connection is no longer HTTP.
    case upgrade

    package init(isKept: Bool, version: HTTPVersion) {
        if !isKept {
            self = .close
        } else {
            self = version == .http10 ? .keepAlive : .implied
        }
    }
}
