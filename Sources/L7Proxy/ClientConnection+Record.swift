import HTTPParser
import ProxyCore
import StickyPolicy
import Transport

/// The one place where an exchange is over: answered, refused, left, cut, or the end of a tunnel.
extension ClientConnection {
    /// Hands the record of the exchange to the worker's observer, if there is an exchange.
    func reportExchange() {
        guard progress.isOpen else { return }
        worker.observer.exchangeEnded(
            makeRecord(), excerpt, under: configuration, at: worker.loop.unixMilliseconds)
        progress = ExchangeProgress()
        if let excerpt {
            worker.observer.accessLog.giveBack(excerpt)
            self.excerpt = nil
        }
    }

    func makeRecord() -> ExchangeRecord {
        var record = ExchangeRecord(client: progress.client, peer: peer)
        record.end = progress.end ?? .complete
        record.status = progress.status
        record.isLocal = progress.isLocal
        if progress.hasHead {
            record.method = exchange.request.method
            record.version = exchange.request.version
        }
        record.isSecure = security != nil
        if case .tunnel = exchange.responseSide { record.isTunnel = true }
        record.attempts = exchange.attempts
        record.place.route = progress.route
        record.names = former?.names
        if let choice {
            record.place.service = choice.service
            record.place.backend = choice.selection.backend
            record.affinity = choice.selection.kind
            record.reason = choice.selection.reason
        }
        record.times = progress.times
        record.times.end = worker.loop.now
        record.requestByteCount = requestRelay.contentCount + (tunnel?.upByteCount ?? 0)
        record.responseByteCount = responseByteCount
        return record
    }

    private var responseByteCount: UInt64 {
        // Without an answer from a backend the relay is still that of the exchange before.
        let isRelayed = progress.status != 0 && !progress.isLocal && !isTunnel
        return isRelayed ? responseRelay.contentCount : progress.downByteCount
    }

    /// For a message that was no request, and never arrived as one.
    func beginRecordIfNone() {
        guard !progress.isOpen else { return }
        progress = ExchangeProgress(withoutHeadAt: worker.loop.now, from: peer)
        requestRelay.begin(framing: .none, target: .plain)
    }

    /// Keeps what the access log repeats of the request, if there is one.
    func takeExcerpt(of head: RequestHead, in bytes: Span<UInt8>) {
        guard worker.observer.accessLog.isOn else { return }
        excerpt = worker.observer.accessLog.excerpt(of: head, in: bytes)
    }

    /// The id is decided upon with the route; a request that has none gets none.
    func addRequestID(
        of forwarding: RequestForwarding, _ head: RequestHead, in bytes: Span<UInt8>
    ) {
        guard let excerpt else { return }
        if forwarding.peerIsTrusted, let own = head.fields.first(.xRequestID) {
            excerpt.take(requestID: bytes.extracting(own.value.offsets))
        } else if forwarding.requestID != (0, 0) {
            excerpt.take(requestID: forwarding.requestID)
        }
    }
}
