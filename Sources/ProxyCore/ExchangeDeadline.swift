/// What an exchange waits for, as a function of its state.
extension Exchange {
    /// What bytes are held up where, as far as the deadline depends on it.
    package struct Backlog: Equatable, Sendable {
        /// The client has not taken all that was sent to it.
        package var downstream: Bool
        /// The backend has not taken all that was sent to it.
        package var upstream: Bool
        /// Bytes of an unfinished head have arrived.
        package var headHasBegun: Bool

        package init(downstream: Bool, upstream: Bool, headHasBegun: Bool) {
            self.downstream = downstream
            self.upstream = upstream
            self.headHasBegun = headHasBegun
        }
    }

    /// What this exchange waits for now.
    package func wait(with backlog: Backlog) -> Wait {
        if requestSide == .discarding { return backlog.downstream ? .clientWrite : .linger }
        switch responseSide {
        case .tunnel: return .tunnelIdle
        case .connecting: return .connect
        case .queued: return .queue
        case .idle where backlog.downstream: return .clientWrite
        case .idle: return backlog.headHasBegun ? .requestHead : .clientIdle
        case .awaitingHead, .body, .complete:
            if backlog.downstream { return .clientWrite }
            if backlog.upstream { return .backendWrite }
            return requestSide == .body && !awaitsContinue ? .requestBody : .backendRead
        }
    }
}
