import ProxyCore
import Transport

/// The client connections of one worker, each at the place that it was given.
final class ClientTable {
    private var places: [ClientConnection?] = []
    private var freePlaces: [Int] = []
    private(set) var count = 0
    /// Where the search for silent clients goes on.
    private var cursor = 0

    /// 1,024 places are looked at in a turn: some 20 us, and all of the others wait.
    private static let searchMax = 1_024

    var all: [ClientConnection] { places.compactMap { $0 } }

    func enter(_ client: ClientConnection) {
        if let slot = freePlaces.popLast() {
            client.slot = slot
            places[slot] = client
        } else {
            client.slot = places.count
            places.append(client)
        }
        count += 1
    }

    /// Gives the place back, and the client that had it.
    func leave(_ slot: Int) -> ClientConnection? {
        let client = places[slot]
        places[slot] = nil
        freePlaces.append(slot)
        count -= 1
        return client
    }

    /// Closes clients that have been silent between two requests, or have had their last answer,
    /// so that others get their places.
    ///
    /// - Returns: how many.
    func closeSilent(for wanted: PlacesWanted, at now: MonotonicTime) -> Int {
        var closedCount = 0
        for _ in 0..<min(ClientTable.searchMax, places.count) where closedCount < wanted.count {
            cursor = cursor + 1 < places.count ? cursor + 1 : 0
            guard let client = places[cursor], client.isSilent(at: now),
                wanted.listener.map({ $0 === client.listener }) ?? true
            else { continue }
            client.close()
            closedCount += 1
        }
        return closedCount
    }
}

extension ClientConnection {
    /// 500 ms: a client that works sends its next request sooner.
    private static let silence: UInt64 = 500_000_000

    /// For some time nothing has come for which it keeps its place.
    fileprivate func isSilent(at now: MonotonicTime) -> Bool {
        guard let wait = currentWait, let patience = patience(in: wait),
            let deadline = downstream.deadline
        else { return false }
        // The deadline was set when the silence began.
        let end = configuration.deadline(for: wait, from: now)
        return end >= deadline.advanced(byNanoseconds: patience)
    }

    /// Nanoseconds; nil where it does not keep its place for nothing.
    private func patience(in wait: Wait) -> UInt64? {
        switch wait {
        case .clientIdle where isIdle && !downstream.isReadable:
            requestCount == 0 ? PlacesWanted.firstSilence : ClientConnection.silence
        // What it still sends is thrown away, and its answer has been there for as long.
        case .linger: PlacesWanted.firstSilence
        default: nil
        }
    }
}
