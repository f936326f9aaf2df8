import StickyPolicy
import Transport

/// What a process tells the one that takes its place, besides its sockets: the sessions that only
/// it knows, the keys of its TLS tickets, what operators have said of backends and their health,
/// and the addresses of host names.
///
/// Numbers are little-endian. The format has a number of its own: of another version's state
/// nothing is taken, and its sessions begin anew.
struct HandoverState: Equatable {
    struct BoundSession: Equatable {
        let key: SessionKey
        let backend: UInt64
        let secondsLeft: UInt32
    }

    var sessions: [BoundSession] = []
    var ticketKeys: [TLSTicketKeys.Copy] = []
    var backends: [KnownBackend] = []
    var hosts: [String: [IPAddress]] = [:]

    static let format: UInt64 = 2
    /// Format, and the count of the bytes behind it.
    static let prefixByteCount = 16
    /// 1 GiB: ten million sessions and more.
    private static let byteCountMax: UInt64 = 1 << 30
    private static let sessionByteCount = 36
    /// A day, the longest time that there is: of a session that a tunnel holds. The tunnel stays
    /// with the old process, and nobody tells the new one when it ends.
    private static let heldSeconds: UInt32 = 86_400

    init() {}

    init(_ table: SessionTable, _ keys: TLSTicketKeys, now: UInt32) {
        ticketKeys = keys.copies
        for shard in 0..<table.shardCount {
            sessions += table.sessions(inShard: shard, now: now).map {
                BoundSession(
                    key: $0.key, backend: $0.backend,
                    secondsLeft: $0.holds > 0 ? HandoverState.heldSeconds : $0.secondsLeft)
            }
        }
    }

    /// Goes on where the other process was. Until a session's next use its time is what was left,
    /// and those with the least are the oldest in the table, too, which is what makes room.
    func restore(into table: SessionTable, _ keys: TLSTicketKeys, now: UInt32) {
        keys.take(ticketKeys)
        for session in sessions.sorted(by: { $0.secondsLeft < $1.secondsLeft }) {
            table.rebind(
                session.key, to: session.backend,
                at: IdleTime(now: now, timeout: session.secondsLeft))
        }
    }

    // MARK: - Bytes

    /// With the prefix.
    var encoded: [UInt8] {
        var body = LittleEndianBytes()
        body.append(UInt64(ticketKeys.count))
        for key in ticketKeys {
            body.bytes += key.bytes
            body.append(key.made)
        }
        body.append(backends)
        body.append(hosts)
        body.bytes.reserveCapacity(
            body.bytes.count + sessions.count * HandoverState.sessionByteCount)
        for session in sessions {
            body.append(session.key.service)
            body.append(session.key.address.high)
            body.append(session.key.address.low)
            body.append(session.backend)
            body.append(session.secondsLeft)
        }
        var prefix = LittleEndianBytes()
        prefix.append(HandoverState.format)
        prefix.append(UInt64(body.bytes.count))
        return prefix.bytes + body.bytes
    }

    /// How many bytes follow a prefix; nil for what is none of ours.
    static func bodyByteCount(ofPrefix bytes: [UInt8]) -> (byteCount: Int, isKnown: Bool)? {
        var reader = LittleEndianReader(bytes)
        guard let format = reader.next(UInt64.self), let count = reader.next(UInt64.self),
            count <= byteCountMax
        else { return nil }
        return (Int(count), format == HandoverState.format)
    }

    /// Nil for what does not hold together.
    init?(body: [UInt8]) {
        var reader = LittleEndianReader(body)
        // Three are kept; more than a few are a mistake.
        guard let keyCount = reader.next(UInt64.self), keyCount <= 16 else { return nil }
        for _ in 0..<keyCount {
            guard let bytes = reader.next(bytes: TLSTicketKeys.byteCount),
                let made = reader.next(UInt64.self)
            else { return nil }
            ticketKeys.append(TLSTicketKeys.Copy(bytes: bytes, made: made))
        }
        guard let backends = reader.nextBackends(), let hosts = reader.nextHosts() else {
            return nil
        }
        (self.backends, self.hosts) = (backends, hosts)
        guard reader.leftCount % HandoverState.sessionByteCount == 0 else { return nil }
        sessions.reserveCapacity(reader.leftCount / HandoverState.sessionByteCount)
        while let service = reader.next(UInt64.self), let high = reader.next(UInt64.self),
            let low = reader.next(UInt64.self), let backend = reader.next(UInt64.self),
            let secondsLeft = reader.next(UInt32.self)
        {
            sessions.append(
                BoundSession(
                    key: SessionKey(service: service, address: IPAddress(high: high, low: low)),
                    backend: backend, secondsLeft: secondsLeft))
        }
    }
}

private struct LittleEndianBytes {
    var bytes: [UInt8] = []

    mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        for shift in stride(from: 0, to: Number.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    /// With the count of its bytes before it.
    mutating func append(_ text: String) {
        append(UInt32(clamping: text.utf8.count))
        bytes += text.utf8
    }

    mutating func append(_ backends: [KnownBackend]) {
        append(UInt64(backends.count))
        for backend in backends {
            append(backend.service)
            append(backend.name)
            append(backend.address)
            append(backend.configured.rawValue)
            append(backend.wanted.rawValue)
            append(backend.health)
        }
    }

    mutating func append(_ hosts: [String: [IPAddress]]) {
        append(UInt64(hosts.count))
        for (name, addresses) in hosts {
            append(name)
            append(UInt64(addresses.count))
            for address in addresses {
                append(address.high)
                append(address.low)
            }
        }
    }
}

private struct LittleEndianReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var leftCount: Int { bytes.count - offset }

    mutating func next(bytes count: Int) -> [UInt8]? {
        guard leftCount >= count else { return nil }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    mutating func nextText() -> String? {
        guard let count = next(UInt32.self), let bytes = next(bytes: Int(count)) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    mutating func nextBackends() -> [KnownBackend]? {
        guard let count = next(UInt64.self), count <= UInt64(leftCount) else { return nil }
        var backends: [KnownBackend] = []
        for _ in 0..<count {
            guard let service = nextText(), let name = nextText(), let address = nextText(),
                let configured = next(UInt8.self).flatMap(BackendState.init),
                let wanted = next(UInt8.self).flatMap(BackendState.init),
                let health = next(UInt64.self)
            else { return nil }
            backends.append(
                KnownBackend(
                    service: service, name: name, address: address, configured: configured,
                    wanted: wanted, health: health))
        }
        return backends
    }

    mutating func nextHosts() -> [String: [IPAddress]]? {
        guard let count = next(UInt64.self), count <= UInt64(leftCount) else { return nil }
        var hosts: [String: [IPAddress]] = [:]
        for _ in 0..<count {
            guard let name = nextText(), let addressCount = next(UInt64.self),
                addressCount <= UInt64(HostAnswer.addressCountMax)
            else { return nil }
            for _ in 0..<addressCount {
                guard let high = next(UInt64.self), let low = next(UInt64.self) else { return nil }
                hosts[name, default: []].append(IPAddress(high: high, low: low))
            }
        }
        return hosts
    }

    mutating func next<Number: FixedWidthInteger>(_ type: Number.Type) -> Number? {
        let count = Number.bitWidth / 8
        guard leftCount >= count else { return nil }
        var number: Number = 0
        for index in 0..<count {
            number |= Number(truncatingIfNeeded: bytes[offset + index]) << (index * 8)
        }
        offset += count
        return number
    }
}
