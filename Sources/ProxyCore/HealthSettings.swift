/// When requests that fail take a backend out (`passiveHealth`).
package struct PassiveHealth: Sendable, Equatable {
    /// Failures in a row; 0 takes nobody out.
    package var maxFails: UInt8 = 3
    /// For how long a backend is out before one request tries it.
    package var failTimeout = Duration.seconds(10)
    /// Percent of a service's backends: when more would be out, those that only failing requests
    /// took out are used all the same.
    package var panicThreshold = 50

    package init() {}
}

/// An active check of a backend: what is asked of it, how often, and what counts as well.
package struct HealthCheck: Sendable, Hashable {
    package enum Question: Sendable, Hashable {
        /// That a connection can be made is enough.
        case connect
        /// A GET of this path.
        case http(path: String)
        /// `/healthz` of a Service's healthCheckNodePort: whether the node has pods of it.
        case node
    }

    package var question: Question
    /// Nil: the backend's own.
    package var port: UInt16?
    /// Of the Host field; nil: the backend's address.
    package var host: String?
    package var interval = Duration.seconds(5)
    package var timeout = Duration.seconds(2)
    /// Checks that must pass in a row before a backend that is not ready is.
    package var rise: UInt8 = 2
    /// Checks that must fail in a row before a backend is down.
    package var fall: UInt8 = 3
    /// Statuses that pass.
    package var expected: [ClosedRange<UInt16>] = [200...399]
    /// `disable-on-404`: a 404 is how an application asks for no new clients.
    package var drainsOn404 = false

    package init(_ question: Question) {
        self.question = question
    }

    /// The check of a healthCheckNodePort. A node says on purpose what it says, so one answer
    /// counts; two failures in four seconds are a node that is gone.
    package static func node(port: UInt16) -> HealthCheck {
        var check = HealthCheck(.node)
        check.port = port
        check.interval = .seconds(2)
        check.timeout = .seconds(1)
        check.rise = 1
        check.fall = 2
        check.expected = [200...200]
        return check
    }
}
