import HTTPParser
import ProxyConfig
import ProxyCore

/// One worker's side of the access log: it keeps what a line will need of a request, and makes the
/// line. In steady state it allocates nothing.
final class AccessLogLane {
    private let feed: LogFeed
    private var format: AccessLogRule.Format?
    private var time = LogTime()
    private var idleExcerpts: [RequestExcerpt] = []
    /// A cut request of nothing but bytes that are escaped takes 24 KiB, the names of its place
    /// what the routes file allows; a line that does not fit is dropped.
    private var line = ByteWriter(capacity: 48 * 1024)

    /// Enough for the requests that one worker has under way; each takes 4 KiB.
    private static let idleExcerptsMax = 512

    init(_ feed: LogFeed) {
        self.feed = feed
    }

    var isOn: Bool { format != nil }

    /// Writes as the configuration says from now on.
    func adopt(_ rule: AccessLogRule?) {
        format = rule?.format
        if rule == nil { idleExcerpts = [] }
    }

    /// Keeps what a line will repeat of a request.
    func excerpt(of head: RequestHead, in bytes: Span<UInt8>) -> RequestExcerpt {
        let excerpt = idleExcerpts.popLast() ?? RequestExcerpt()
        excerpt.take(head, in: bytes)
        return excerpt
    }

    /// Takes an excerpt back; the giver uses it no more.
    func giveBack(_ excerpt: RequestExcerpt) {
        guard isOn, excerpt.isReusable, idleExcerpts.count < AccessLogLane.idleExcerptsMax
        else { return }
        idleExcerpts.append(excerpt)
    }

    /// Writes the line of an exchange that is over.
    ///
    /// - Parameters:
    ///   - snapshot: what the positions in the record are of, unless it has names.
    ///   - unixMilliseconds: now.
    func write(
        _ record: ExchangeRecord, _ excerpt: RequestExcerpt?, under snapshot: ConfigSnapshot,
        at unixMilliseconds: Int64
    ) {
        guard let format else { return }
        time.set(unixMilliseconds)
        line.removeAll()
        let content = AccessLogLine(record: record, excerpt: excerpt, time: time)
        switch format {
        case .json:
            content.writeJSON(to: &line)
            writeNames(of: record, snapshot)
        case .combined: content.writeCombined(to: &line)
        }
        guard !line.hasOverflowed else { return feed.drop() }
        line.withBytes { feed.put($0) }
    }

    private func writeNames(of record: ExchangeRecord, _ snapshot: ConfigSnapshot) {
        let place = record.place
        if record.names == nil, let names = snapshot.accessLogNames {
            write(names.route(place), names.service(place), names.backend(place))
        } else {
            let names = record.names ?? snapshot.configuration.names(of: place)
            write(
                AccessLogNames.quoted(names.route), AccessLogNames.quoted(names.service),
                AccessLogNames.quoted(names.backend))
        }
    }

    private func write(_ route: [UInt8], _ service: [UInt8], _ backend: [UInt8]) {
        line.append(",\"route\":")
        line.append(route)
        line.append(",\"service\":")
        line.append(service)
        line.append(",\"backend\":")
        line.append(backend)
        line.append("}\n")
    }
}
