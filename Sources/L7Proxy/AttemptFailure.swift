import Glibc
import ProxyCore
import Transport

/// Why an attempt to have a request answered came to nothing.
enum AttemptFailure: Equatable {
    /// No connection could be made.
    case refused
    /// TLS could not be agreed on: no trust, no common version.
    case insecure
    case connectTimedOut
    /// This machine has no descriptor, port or memory for a connection.
    case exhausted
    /// The connection broke before a response head.
    case broken
    /// No response head came in time.
    case timedOut
    /// What came is no response.
    case malformed
    /// The response broke off.
    case truncated
    /// A status that the route wants tried again.
    case status(RetryRule.Conditions)

    init(connecting connection: Connection) {
        if connection.error?.isLocal == true {
            self = .exhausted
        } else {
            self = connection.tls?.failure == nil ? .refused : .insecure
        }
    }

    /// What `proxy-next-upstream` calls it.
    var condition: RetryRule.Conditions {
        switch self {
        case .refused, .insecure, .exhausted, .broken: .error
        case .connectTimedOut, .timedOut: .timeout
        case .malformed: .invalidHeader
        case .truncated: []
        case .status(let condition): condition
        }
    }

    /// Why passive health counts it against the backend; nil where it does not.
    var reasonAgainstBackend: StaticString? {
        switch self {
        case .refused: "it could not be connected to"
        case .insecure: "TLS could not be agreed on with it"
        case .connectTimedOut: "connecting took too long"
        case .broken: "it closed the connection without an answer"
        case .timedOut: "it did not answer in time"
        case .malformed: "its answer was malformed"
        case .truncated: "its answer broke off"
        case .exhausted, .status: nil
        }
    }
}

extension SystemError {
    /// The backend has no part in it: descriptors, memory or local ports have run out.
    var isLocal: Bool { isResourceExhaustion || code == EADDRNOTAVAIL }
}
