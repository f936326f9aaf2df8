package import HTTPParser
package import StickyPolicy

/// What one check of a backend came to.
package enum CheckResult: Equatable, Sendable {
    case passed
    /// The backend, or its node, asks for no new clients. The reason is for the log.
    case drains(because: String)
    case failed(because: String)
}

/// The answer to a check over HTTP, and what it means.
package struct CheckAnswer: Sendable {
    package let result: CheckResult
    /// How many pods the node says it has, where a node was asked.
    package let podCount: Int?

    /// - Parameters:
    ///   - head: as it stands in `bytes`.
    ///   - bodyStart: where in `bytes` the body begins, as much of it as has come.
    package init(
        _ head: ResponseHead, in bytes: Span<UInt8>, bodyStart: Int, to check: HealthCheck
    ) {
        let body = bytes.extracting(min(bodyStart, bytes.count)...)
        let isNode = check.question == .node
        podCount = isNode ? CheckAnswer.podCount(in: body) : nil
        let status = head.status
        if check.expected.contains(where: { $0.contains(status) }) {
            result = .passed
        } else if status == 503, isNode {
            result = .drains(because: "the node has no pods that take new clients")
        } else if status == 503,
            bytes.extracting(..<min(bodyStart, bytes.count)).mentionsDrain
                || body.mentionsDrain
        {
            result = .drains(because: "its check answers 503 and drain")
        } else if status == 404, check.drainsOn404 {
            result = .drains(because: "its check answers 404")
        } else {
            result = .failed(because: "its check answers \(status)")
        }
    }

    /// The number behind `"localEndpoints":`, as kube-proxy writes it.
    private static func podCount(in body: Span<UInt8>) -> Int? {
        guard var position = body.end(of: "\"localendpoints\"") else { return nil }
        while position < body.count,
            body[position] == UInt8(ascii: " ")
                || body[position] == UInt8(ascii: ":")
        {
            position += 1
        }
        var count: Int?
        // Six digits: more pods than a cluster has.
        for offset in 0..<6 where position + offset < body.count {
            let byte = body[position + offset]
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { break }
            count = (count ?? 0) * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return count
    }
}

extension Span<UInt8> {
    fileprivate var mentionsDrain: Bool { end(of: "drain") != nil }

    /// Where the first occurrence of a text in lower case ends, in any case of the letters.
    fileprivate func end(of text: StaticString) -> Int? {
        let length = text.utf8CodeUnitCount
        guard count >= length else { return nil }
        for start in 0...(count - length)
        where extracting(start..<start + length).equalsIgnoringCase(text) {
            return start + length
        }
        return nil
    }
}

/// The results of one check in a row, and the state that follows: one bad answer among good ones
/// is no outage, one good answer among bad ones no recovery.
package struct CheckStreak: Equatable, Sendable {
    /// Nil until the first result, which counts at once: there is nothing to doubt it by.
    package private(set) var state: BackendState?
    /// Results in a row that speak against the state.
    private var dissent: UInt8 = 0

    package init() {}

    /// - Returns: the state, when this result has changed it.
    package mutating func note(_ result: CheckResult, _ check: HealthCheck) -> BackendState? {
        let found = result.state
        guard found != state else {
            dissent = 0
            return nil
        }
        dissent = dissent == .max ? .max : dissent + 1
        guard state == nil || dissent >= needed(for: found, check) else { return nil }
        dissent = 0
        state = found
        return found
    }

    private func needed(for found: BackendState, _ check: HealthCheck) -> UInt8 {
        switch found {
        case .ready: check.rise
        case .down: check.fall
        // It was asked for, so there is nothing to doubt. From down, the backend has to be proved.
        case .drain: state == .down ? check.rise : 1
        }
    }
}

extension CheckResult {
    fileprivate var state: BackendState {
        switch self {
        case .passed: .ready
        case .drains: .drain
        case .failed: .down
        }
    }
}
