/// Tokens, first in, first out.
struct HandshakeQueue {
    private var tokens: [EventToken] = []
    /// Those before it have been taken.
    private var head = 0

    var isEmpty: Bool { head == tokens.count }

    mutating func append(_ token: EventToken) {
        tokens.append(token)
    }

    mutating func popFirst() -> EventToken? {
        guard head < tokens.count else { return nil }
        defer { head += 1 }
        let token = tokens[head]
        // Moved together when half of it is used up, which makes the cost of a move constant.
        if head >= 64 && head * 2 >= tokens.count {
            tokens.removeFirst(head)
            head = 0
        }
        return token
    }
}
