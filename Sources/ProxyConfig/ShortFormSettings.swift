import ProxyCore
import StickyPolicy

/// Reads what the whole proxy shares: everything of the short form but services and routes.
struct ShortFormSettings {
    let reader: Reader
    private var once = SetOnce()
    /// Cluster nodes of all files.
    private(set) var nodes: [IPAddress] = []

    init(reader: Reader) {
        self.reader = reader
    }

    mutating func read(_ fields: Fields, from file: SourceFile, into result: inout Configuration) {
        readListeners(fields, ShortFormTLS(reader: reader, file: file), &result)
        readClientIP(fields, &result.clientIP)
        if let entry = fields["nodes"] {
            nodes += reader.list(entry).compactMap(reader.address)
        }
        if let entry = fields["sourceAddresses"] {
            result.sourceAddresses += reader.list(entry).compactMap(reader.address)
        }
        if let entry = fields["cookieKeys"] {
            result.cookieKeys += reader.list(entry).compactMap { cookieKey($0, file) }
        }
        readSessions(fields, &result)
        readWorkers(fields, &result)
        if let entry = fields["accessLog"], once.isFirst("accessLog", entry, reader) {
            result.accessLog = ShortFormAccessLog(reader: reader, file: file).rule(entry)
        }
        if let entry = fields["admin"], once.isFirst("admin", entry, reader) {
            result.admin = ShortFormAdmin(reader: reader, file: file).rule(entry) ?? .usual
        }
        readResolver(fields, &result)
        readTimeouts(fields, &result.timeouts)
        readLimits(fields, &result.limits)
    }

    private func cookieKey(_ entry: YAMLEntry, _ file: SourceFile) -> CookieKeySource? {
        guard let text = reader.text(entry) else { return nil }
        guard text.hasPrefix("env:") else { return .file(file.resolve(text)) }
        let name = text.dropFirst(4)
        guard !name.isEmpty else {
            reader.fault(entry, mustBe: "a file or env:NAME")
            return nil
        }
        return .environment(String(name))
    }

    private func readListeners(
        _ fields: Fields, _ tls: ShortFormTLS, _ result: inout Configuration
    ) {
        guard let entry = fields["listeners"] else { return }
        for item in reader.list(entry) {
            guard let keys = reader.fields(item, ShortFormSchema.listener) else { continue }
            guard let addressEntry = keys["address"] else {
                reader.fault("a listener needs an 'address'", at: item.value.position)
                continue
            }
            guard let address = listenerAddress(addressEntry) else { continue }
            if result.listeners.contains(address) {
                reader.fault(
                    "\(addressEntry.value.found) is listened on twice",
                    at: addressEntry.value.position)
                continue
            }
            result.listeners.append(address)
            if let entry = keys["proxyProtocol"], reader.boolean(entry) == true {
                result.proxyProtocolListeners.insert(address)
            }
            result.listenerTLS[address] = keys["tls"].flatMap(tls.listener)
            result.listenerConnections[address] = keys["limits"].flatMap(listenerConnections)
        }
    }

    private func listenerConnections(_ entry: YAMLEntry) -> Int? {
        guard let keys = reader.fields(entry, ShortFormSchema.listenerLimits) else { return nil }
        return keys["connections"].flatMap { reader.integer($0, in: 0...10_000_000) }
    }

    private func listenerAddress(_ entry: YAMLEntry) -> ListenerAddress? {
        let text = entry.value.text ?? ""
        if text.hasPrefix("unix:/") { return .unix(path: String(text.dropFirst(5))) }
        if let endpoint = EndpointText.parse(text) { return .tcp(endpoint) }
        reader.fault(
            entry, mustBe: "an address and port such as 0.0.0.0:8080, [::]:8080 or unix:/path")
        return nil
    }

    private mutating func readClientIP(_ fields: Fields, _ rule: inout ClientIPRule) {
        guard let entry = fields["clientIP"],
            let keys = reader.fields(entry, ShortFormSchema.clientIP)
        else { return }
        if let from = keys["from"], once.isFirst("clientIP.from", from, reader),
            let source = reader.word(from, ShortFormWords.clientIPSource)
        {
            rule.source = source
        }
        if let trusted = keys["trusted"] {
            rule.trusted += reader.list(trusted).compactMap(reader.network)
        }
    }

    private mutating func readSessions(_ fields: Fields, _ result: inout Configuration) {
        if let entry = fields["sessionStore"], once.isFirst("sessionStore", entry, reader) {
            checkSessionStore(entry)
        }
        if let entry = fields["sessionLimit"], once.isFirst("sessionLimit", entry, reader),
            let limit = reader.integer(entry, in: 1...1_000_000_000)
        {
            result.sessionLimit = limit
        }
    }

    private func checkSessionStore(_ entry: YAMLEntry) {
        guard let text = reader.text(entry), text != "memory" else { return }
        if text.hasPrefix("redis://") {
            reader.fault(
                "'sessionStore': redis is not supported yet", at: entry.value.position,
                help: "supported: memory")
        } else {
            reader.fault(entry, mustBe: "memory")
        }
    }

    private mutating func readWorkers(_ fields: Fields, _ result: inout Configuration) {
        guard let entry = fields["workers"], once.isFirst("workers", entry, reader),
            entry.value.text != "auto"
        else { return }
        // 1024: the most CPUs an affinity mask of the kernel's default size names.
        guard let count = entry.value.plainText.flatMap({ Int($0) }), (1...1_024).contains(count)
        else { return reader.fault(entry, mustBe: "auto or a whole number from 1 to 1024") }
        result.workers = .exactly(count)
    }

    private mutating func readResolver(_ fields: Fields, _ result: inout Configuration) {
        guard let entry = fields["resolver"],
            let keys = reader.fields(entry, ShortFormSchema.resolver),
            let interval = keys["interval"], once.isFirst("resolver.interval", interval, reader),
            let duration = reader.duration(interval)
        else { return }
        // A name server that is asked more often than its answers can change is only burdened.
        guard duration >= .seconds(1), duration <= .seconds(86_400) else {
            return reader.fault(interval, mustBe: "from 1s to 24h")
        }
        result.resolverInterval = duration
    }

    private mutating func readTimeouts(_ fields: Fields, _ result: inout Timeouts) {
        guard let entry = fields["timeouts"],
            let keys = reader.fields(entry, ShortFormSchema.timeouts)
        else { return }
        for timeout in TimeoutKey.all {
            guard let entry = keys[timeout.name],
                once.isFirst("timeouts." + timeout.name, entry, reader),
                let duration = reader.duration(entry, from: timeout.shortest)
            else { continue }
            result[keyPath: timeout.field] = duration
        }
    }

    private mutating func readLimits(_ fields: Fields, _ result: inout Limits) {
        guard let entry = fields["limits"], let keys = reader.fields(entry, ShortFormSchema.limits)
        else { return }
        readSizes(keys, &result)
        // 254: what a section of field lines can hold at most.
        readCount("headers", keys, 1...254) { result.headers = $0 }
        readCount("connections", keys, 0...10_000_000) { result.connections = $0 }
        readCount("connectionsPerClient", keys, 0...10_000_000) {
            result.connectionsPerClient = $0
        }
        readCount("handshakes", keys, 0...1_000_000) { result.handshakes = $0 }
        readCount("requestsPerConnection", keys, 0...1_000_000_000) {
            result.requestsPerConnection = $0
        }
        guard result.requestTarget > result.requestHead,
            let size = keys["requestTarget"] ?? keys["requestHead"]
        else { return }
        reader.fault(
            "'limits.requestTarget' (\(result.requestTarget) bytes) does not fit in "
                + "'limits.requestHead' (\(result.requestHead) bytes)", at: size.value.position)
    }

    private mutating func readSizes(_ keys: Fields, _ result: inout Limits) {
        // A head is buffered whole, for each connection: these two have a bound in every case.
        let head: ClosedRange<UInt64> = 1_024...1_048_576
        readSize("requestHead", keys, head) { result.requestHead = Int($0) }
        readSize("responseHead", keys, head) { result.responseHead = Int($0) }
        readSize("requestTarget", keys, 64...1_048_576) { result.requestTarget = Int($0) }
        readSize("memory", keys, 0...UInt64(Int64.max)) { result.memory = $0 }
        readSize("requestBody", keys, 0...UInt64(Int64.max)) { result.requestBody = $0 }
    }

    private mutating func readSize(
        _ name: String, _ keys: Fields, _ range: ClosedRange<UInt64>, _ use: (UInt64) -> Void
    ) {
        guard let entry = keys[name], once.isFirst("limits." + name, entry, reader),
            let size = reader.size(entry, in: range)
        else { return }
        use(size)
    }

    private mutating func readCount(
        _ name: String, _ keys: Fields, _ range: ClosedRange<Int>, _ use: (Int) -> Void
    ) {
        guard let entry = keys[name], once.isFirst("limits." + name, entry, reader),
            let count = reader.integer(entry, in: range)
        else { return }
        use(count)
    }
}

/// One key of `timeouts` and where its value goes.
private struct TimeoutKey {
    var name: String
    var field: WritableKeyPath<Timeouts, Duration>
    var shortest = Duration.milliseconds(1)

    static var all: [TimeoutKey] {
        [
            TimeoutKey(name: "connect", field: \.connect),
            TimeoutKey(name: "requestHead", field: \.requestHead),
            TimeoutKey(name: "requestBody", field: \.requestBody),
            TimeoutKey(name: "clientIdle", field: \.clientIdle),
            TimeoutKey(name: "clientWrite", field: \.clientWrite),
            TimeoutKey(name: "backendRead", field: \.backendRead),
            TimeoutKey(name: "backendWrite", field: \.backendWrite),
            TimeoutKey(name: "backendIdle", field: \.backendIdle),
            TimeoutKey(name: "tlsHandshake", field: \.tlsHandshake),
            TimeoutKey(name: "tunnelIdle", field: \.tunnelIdle),
            // These may be over at once.
            TimeoutKey(name: "linger", field: \.linger, shortest: .zero),
            TimeoutKey(name: "drain", field: \.drain, shortest: .zero),
            TimeoutKey(name: "preStop", field: \.preStop, shortest: .zero),
        ]
    }
}
