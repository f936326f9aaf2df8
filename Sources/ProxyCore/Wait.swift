/// What an exchange is waiting for: the one deadline of its client connection follows from it.
@frozen
@usableFromInline
package enum Wait: UInt8, Equatable, Sendable, CaseIterable {
    case clientIdle, requestHead, requestBody
    case queue, connect, backendRead, backendWrite
    case clientWrite, tunnelIdle, linger

    // The one that is derived goes through a table of witnesses in other modules.
    @inlinable
    package static func == (left: Wait, right: Wait) -> Bool {
        left.rawValue == right.rawValue
    }

    /// Whether every step of progress starts the time anew. A head does not get more time by being
    /// sent slowly, and a peer that does not read gets none for what it says meanwhile.
    package var isRenewedByProgress: Bool {
        switch self {
        case .requestHead, .queue, .connect, .linger, .backendWrite, .clientWrite: false
        case .clientIdle, .requestBody, .backendRead, .tunnelIdle: true
        }
    }
}

extension Timeouts {
    /// How long `wait` may take.
    package subscript(wait: Wait) -> Duration {
        switch wait {
        case .clientIdle: clientIdle
        case .requestHead: requestHead
        case .requestBody: requestBody
        // Each service has its own.
        case .queue: .zero
        case .connect: connect
        case .backendRead: backendRead
        case .backendWrite: backendWrite
        case .clientWrite: clientWrite
        case .tunnelIdle: tunnelIdle
        case .linger: linger
        }
    }
}
