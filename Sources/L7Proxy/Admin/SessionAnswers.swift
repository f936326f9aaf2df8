import ProxyConfig
import ProxyCore
import StickyPolicy
import Transport

/// Questions about the session table: sessions by address, and learned ones. Those of cookies are
/// with the clients.
struct SessionAnswers {
    /// 1,000: a page of some 150 KB.
    static let countMax = 1_000
    private static let usualCount = 100

    private let sessions: SessionTable
    /// By the hashes that the table knows them by.
    private let services: [UInt64: ServiceProfile]
    /// These hashes by the names of services, of which several may have one.
    private let identities: [String: UInt64]

    init(_ snapshot: ConfigSnapshot, _ sessions: SessionTable) {
        self.sessions = sessions
        services = Dictionary(
            snapshot.services.map { ($0.identity, $0) }, uniquingKeysWith: { first, _ in first })
        identities = Dictionary(
            snapshot.services.map { ($0.name, $0.identity) },
            uniquingKeysWith: { first, _ in first })
    }

    /// One page: `limit` sessions from `cursor` on, of `service` if that is given.
    ///
    /// The table changes between two pages: what comes or goes meanwhile may be missed, or be
    /// seen twice.
    func list(_ request: AdminRequest) -> AdminResponse {
        let limit = request.value("limit").map { Int($0) } ?? SessionAnswers.usualCount
        guard let limit, (1...SessionAnswers.countMax).contains(limit) else {
            return AdminResponse(
                status: 400, "limit is a number from 1 to \(SessionAnswers.countMax)")
        }
        guard let start = Cursor(request.value("cursor") ?? "0.0") else {
            return AdminResponse(status: 400, "cursor is what the page before says")
        }
        let (page, next) = self.page(from: start, limit: limit, service: request.value("service"))
        if request.value("format") == "text" {
            return AdminResponse(.text, Array(table(of: page, next: next).utf8))
        }
        var text = JSONText()
        text.object { text in
            text.member("stored", sessions.count)
            text.key("sessions")
            text.array(page) { text, session in
                text.object { write(session, to: &$0) }
            }
            text.key("next")
            if let next { text.value(next.text) } else { text.null() }
        }
        return AdminResponse(.json, text.bytes)
    }

    /// Where a page begins: a shard of the table, and how many of its sessions were shown.
    private struct Cursor {
        var shard: Int
        var offset: Int

        init(shard: Int, offset: Int) {
            self.shard = shard
            self.offset = offset
        }

        init?(_ text: String) {
            let parts = text.split(separator: ".").map { Int($0) }
            guard parts.count == 2, let shard = parts[0], let offset = parts[1], shard >= 0,
                offset >= 0
            else { return nil }
            self.init(shard: shard, offset: offset)
        }

        var text: String { "\(shard).\(offset)" }
    }

    private func page(
        from start: Cursor, limit: Int, service: String?
    ) -> (page: [Session], next: Cursor?) {
        let now = UInt32(truncatingIfNeeded: MonotonicTime.now().seconds)
        let wanted = service.map { name in
            // No service's hash is 0 but by chance, and then it is shown too.
            identities[name] ?? 0
        }
        var page: [Session] = []
        var offset = start.offset
        guard start.shard < sessions.shardCount else { return ([], nil) }
        for shard in start.shard..<sessions.shardCount {
            let found = sessions.sessions(inShard: shard, now: now)
                .filter { wanted == nil || $0.key.service == wanted }
            let part = found.dropFirst(offset).prefix(limit - page.count)
            page += part
            if page.count == limit {
                return (page, Cursor(shard: shard, offset: offset + part.count))
            }
            offset = 0
        }
        return (page, nil)
    }

    static let heading =
        "pro expire state       source             virtual            destination\n"

    /// In the columns of `ipvsadm -Lnc`; a line that names the cursor of the next page ends it.
    private func table(of page: [Session], next: Cursor?) -> String {
        let lines = page.map { session in
            let (service, backend) = names(of: session)
            let seconds = session.secondsLeft % 60
            let expire = "\(session.secondsLeft / 60):\(seconds < 10 ? "0" : "")\(seconds)"
            let cells = [
                ("TCP", 4), (expire, 7), (session.holds > 0 ? "ESTABLISHED" : "NONE", 12),
                ("\(session.key.address):0", 19), (service, 19), (backend, 0),
            ]
            return cells.map { padded($0, to: $1) }.joined() + "\n"
        }
        return lines.joined() + (next.map { "next \($0.text)\n" } ?? "")
    }

    /// At least one space behind it, unless it is the last.
    private func padded(_ text: String, to width: Int) -> String {
        width == 0 ? text : text + String(repeating: " ", count: max(1, width - text.count))
    }

    private func names(of session: Session) -> (service: String, backend: String) {
        let service = services[session.key.service]
        let backend = service?.backends.first { $0.identity == session.backend }
        return (
            service?.name ?? hexadecimal(session.key.service),
            backend?.name ?? hexadecimal(session.backend)
        )
    }

    private func write(_ session: Session, to text: inout JSONText) {
        let (service, backend) = names(of: session)
        text.member("service", service)
        text.member("backend", backend)
        // A learned identifier is a secret of its client: the table has a hash of it alone.
        text.member("client", "\(session.key.address)")
        text.member("secondsLeft", session.secondsLeft)
        text.member("tunnels", session.holds)
    }

    private func hexadecimal(_ number: UInt64) -> String {
        "#" + String(number, radix: 16)
    }
}
