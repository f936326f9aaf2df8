import Transport

/// The client connections of one worker whose TLS handshake is under way.
///
/// Each has a deadline, and all together a bound: when it is reached, the oldest makes room. An
/// honest client needs two round trips; who is still here after hundreds of others is holding up.
final class HandshakeTable: ConnectionHandler {
    /// A connection on its way to become a client's.
    struct Arrival {
        let connection: Connection
        let client: ClientOrigin
        /// What the listener said when the client came.
        let listener: TLSListener
        fileprivate let number: UInt64
        fileprivate let begun: MonotonicTime
    }

    /// How a handshake ended.
    enum Outcome {
        case done
        /// The client does not speak TLS: its first byte begins a word.
        case plainText
        /// Why, in words.
        case failed(String)
    }

    /// Takes the connection over; after `failed` only its place is to be given up.
    var onEnd: ((Arrival, Outcome) -> Void)?
    private var arrivals: [ObjectIdentifier: Arrival] = [:]
    private var nextNumber: UInt64 = 0
    private let loop: EventLoop

    init(loop: EventLoop) {
        self.loop = loop
    }

    var count: Int { arrivals.count }

    /// - Parameters:
    ///   - limit: 0 for no bound.
    ///   - timeout: nanoseconds; 0 waits for ever.
    func begin(
        _ connection: Connection, from client: ClientOrigin,
        on listener: TLSListener, limit: Int
    ) {
        if limit > 0 && arrivals.count >= limit { dropOldest() }
        nextNumber += 1
        let arrival = Arrival(
            connection: connection, client: client, listener: listener, number: nextNumber,
            begun: loop.now)
        arrivals[ObjectIdentifier(connection)] = arrival
        connection.handler = self
        if listener.handshakeNanoseconds > 0 {
            connection.deadline = loop.now.advanced(byNanoseconds: listener.handshakeNanoseconds)
        }
        // Behind a PROXY header, the first bytes may be known of already.
        startTLS(arrival)
    }

    func connectionReady(_ connection: Connection) {
        guard let arrival = arrivals[ObjectIdentifier(connection)] else { return }
        if connection.tls == nil {
            startTLS(arrival)
        } else {
            end(arrival, HandshakeTable.outcome(of: connection))
        }
    }

    func connectionDeadlinePassed(_ connection: Connection) {
        guard let arrival = arrivals[ObjectIdentifier(connection)] else { return }
        end(arrival, .failed("it took too long"))
    }

    private static func outcome(of connection: Connection) -> Outcome {
        guard let error = connection.error else { return .done }
        return .failed(connection.tls?.failure ?? "\(error)")
    }

    /// Every handshake begins with a record of type 22 (RFC 8446 §5.1); a method is made of
    /// letters.
    private func startTLS(_ arrival: Arrival) {
        let connection = arrival.connection
        guard let first = connection.isReadable ? connection.peekByte() : nil else {
            let isOver = connection.peerHasClosed || connection.isHungUp
            return isOver ? end(arrival, .failed("the peer has closed")) : ()
        }
        if (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) {
            return end(arrival, .plainText)
        }
        do throws(TLSError) {
            connection.startTLS(try arrival.listener.context.makeSession())
        } catch {
            end(arrival, .failed("\(error)"))
        }
    }

    private func end(_ arrival: Arrival, _ outcome: Outcome) {
        arrivals[ObjectIdentifier(arrival.connection)] = nil
        arrival.connection.handler = nil
        arrival.connection.deadline = nil
        if case .failed = outcome { arrival.connection.close() }
        onEnd?(arrival, outcome)
    }

    private func dropOldest() {
        guard let oldest = arrivals.values.min(by: { $0.number < $1.number }) else { return }
        end(oldest, .failed("newer ones needed its place"))
    }

    /// 1,024 are looked at in a turn, as in `ClientTable`.
    private static let searchMax = 1_024

    /// Closes clients that have connected and said nothing, or not enough in the same time, so that
    /// others get their places.
    ///
    /// - Returns: how many.
    func closeSilent(for wanted: PlacesWanted) -> Int {
        var closedCount = 0
        for arrival in arrivals.values.prefix(HandshakeTable.searchMax)
        where closedCount < wanted.count {
            let patience = arrival.begun.advanced(byNanoseconds: PlacesWanted.firstSilence)
            let isUnread = arrival.connection.tls == nil && arrival.connection.isReadable
            guard !isUnread, patience <= loop.now,
                wanted.listener.map({ $0 === arrival.client.listener }) ?? true
            else { continue }
            end(arrival, .failed("others waited for its place"))
            closedCount += 1
        }
        return closedCount
    }

    func closeAll() {
        for arrival in arrivals.values { end(arrival, .failed("the proxy stops")) }
    }
}

/// A listener's TLS, as it is when a client comes: a reload changes it for those that come later.
final class TLSListener: Sendable {
    let context: TLSServerContext
    let sendsHSTS: Bool
    /// 0 waits for ever.
    let handshakeNanoseconds: UInt64
    /// By `TLSClientVerification.number`.
    let rules: [ClientRule]

    init(
        _ context: TLSServerContext, sendsHSTS: Bool, handshakeNanoseconds: UInt64,
        rules: [ClientRule]
    ) {
        self.rules = rules
        self.context = context
        self.sendsHSTS = sendsHSTS
        self.handshakeNanoseconds = handshakeNanoseconds
    }
}
