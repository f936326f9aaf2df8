import ProxyCore
import StickyPolicy

/// Reads services and backends of the short form.
struct ShortFormServices {
    let reader: Reader
    /// What a `nodePort` resolves to.
    let nodes: [IPAddress]
    /// Relative paths start from it.
    let file: SourceFile

    /// Nil when the value is no mapping. A service with mistakes has the backends that are right.
    func service(_ entry: YAMLEntry) -> Service? {
        guard let keys = reader.fields(entry, ShortFormSchema.service) else { return nil }
        let list = backends(entry, keys)
        var service = Service(name: entry.key, list)
        if let entry = keys["balance"], let kind = reader.word(entry, ShortFormWords.balance) {
            service.balance = kind
        }
        readSessionAffinity(keys, into: &service)
        if let entry = keys["queue"] { readQueue(entry, &service.queue) }
        ShortFormHealth(reader: reader).read(keys, into: &service)
        service.tls = keys["tls"].flatMap(ShortFormTLS(reader: reader, file: file).service)
        service.isBehindNodePorts = keys["nodePort"] != nil
        if let slowStart = keys["slowStart"].flatMap({ reader.duration($0) }) {
            service.slowStart = slowStart
        }
        service.ingressNginxName =
            keys["ingressNginxName"].flatMap(reader.name)
            ?? IngressNginxName.make(service: entry.key, list)
        if let entry = keys["externalTrafficPolicy"],
            reader.word(entry, ShortFormWords.externalTrafficPolicy) == true,
            service.nodeCheck == nil, service.healthCheck == nil
        {
            reader.note(LocalPolicy.note, at: entry.value.position)
        }
        return service
    }

    private func backends(_ entry: YAMLEntry, _ keys: Fields) -> BackendList {
        switch (keys["nodePort"], keys["backends"]) {
        case (let port?, nil): return BackendList(backends: nodeBackends(port))
        case (nil, let list?): return backends(list)
        case (let port?, _?):
            reader.fault(
                "service \(quoted(entry.key)) has both 'nodePort' and 'backends'",
                at: port.keyPosition, help: "leave one of them out")
        case (nil, nil):
            reader.fault(
                "service \(quoted(entry.key)) has no backends", at: entry.keyPosition,
                help: "give it 'nodePort' or 'backends'")
        }
        return BackendList()
    }

    private func nodeBackends(_ entry: YAMLEntry) -> [Backend] {
        guard let port = reader.integer(entry, in: 1...65_535) else { return [] }
        guard !nodes.isEmpty else {
            reader.fault(
                "'nodePort' needs to know the nodes", at: entry.keyPosition,
                help: "list their addresses under 'nodes'")
            return []
        }
        return Backend.onNodes(nodes, port: UInt16(port))
    }

    /// A list of backends, each an address or a mapping.
    func backends(_ entry: YAMLEntry) -> BackendList {
        let items = reader.list(entry)
        if entry.value.isSequence, items.isEmpty {
            reader.fault("'backends' is empty", at: entry.value.position)
        }
        var result = BackendList()
        var names: Set<String> = []
        for item in items {
            guard let found = backend(item) else { continue }
            guard names.insert(found.called).inserted else {
                reader.fault(
                    "the backend \(quoted(found.called)) is listed twice",
                    at: item.value.position)
                continue
            }
            switch found {
            case .address(let backend): result.backends.append(backend)
            case .name(var named):
                named.position = result.backends.count
                result.named.append(named)
            }
        }
        return result
    }

    private enum Found {
        case address(Backend)
        case name(NamedBackend)

        var called: String {
            switch self {
            case .address(let backend): backend.name
            case .name(let named): named.name ?? named.text
            }
        }
    }

    private func backend(_ entry: YAMLEntry) -> Found? {
        guard entry.value.isMapping else { return address(entry) }
        guard let keys = reader.fields(entry, ShortFormSchema.backend) else { return nil }
        guard let address = keys["address"] else {
            reader.fault("a backend needs an 'address'", at: entry.value.position)
            return nil
        }
        let name = keys["name"].flatMap(reader.name)
        switch self.address(address) {
        case .address(var backend):
            backend.name = name ?? backend.name
            readSettings(keys, &backend)
            return .address(backend)
        case .name(var named):
            named.name = name
            readSettings(keys, &named.model)
            return .name(named)
        case nil: return nil
        }
    }

    private func readSettings(_ keys: Fields, _ backend: inout Backend) {
        // 256: HAProxy's highest weight too, and products with it stay small.
        if let weight = keys["weight"].flatMap({ reader.integer($0, in: 0...256) }) {
            backend.weight = UInt32(weight)
        }
        if let most = keys["maxConnections"].flatMap({ reader.integer($0, in: 0...1_000_000) }) {
            backend.maxConnections = most
        }
        if let entry = keys["state"],
            let state = reader.word(entry, ShortFormWords.backendState)
        {
            backend.state = state
        }
        if let deadline = keys["drainDeadline"].flatMap({ reader.duration($0) }) {
            backend.drainDeadline = deadline
        }
    }

    private func readQueue(_ entry: YAMLEntry, _ rule: inout QueueRule) {
        guard let keys = reader.fields(entry, ShortFormSchema.queue) else { return }
        // Each that waits is a connection with its request in memory.
        if let length = keys["length"].flatMap({ reader.integer($0, in: 0...1_000_000) }) {
            rule.length = length
        }
        let shortest = Duration.milliseconds(1)
        if let timeout = keys["timeout"].flatMap({ reader.duration($0, from: shortest) }) {
            rule.timeout = timeout
        }
    }

    private func address(_ entry: YAMLEntry) -> Found? {
        let text = entry.value.text ?? ""
        if let endpoint = EndpointText.parse(text), endpoint.port > 0 {
            return .address(Backend(endpoint))
        }
        if let (host, port) = HostName.parse(text) {
            return .name(NamedBackend(host: host, port: port))
        }
        reader.fault(
            entry,
            mustBe: "an address and port such as 192.0.2.1:8080, [2001:db8::1]:8080 or "
                + "app.internal:8080")
        return nil
    }

    private func readSessionAffinity(_ keys: Fields, into service: inout Service) {
        let isBound =
            keys["sessionAffinity"].flatMap { reader.word($0, ShortFormWords.sessionAffinity) }
            ?? false
        if let config = keys["sessionAffinityConfig"],
            let inner = reader.fields(config, ShortFormSchema.sessionAffinityConfig),
            let entry = inner["clientIP"],
            let clientIP = reader.fields(entry, ShortFormSchema.sessionAffinityClientIP)
        {
            readClientIP(clientIP, &service.clientIPConfig)
        }
        if isBound { service.clientIP = service.clientIPConfig }
    }

    private func readClientIP(_ keys: Fields, _ settings: inout ClientIPSettings) {
        if let seconds = keys["timeoutSeconds"].flatMap({ reader.integer($0, in: 1...86_400) }) {
            settings.timeoutSeconds = UInt32(seconds)
        }
        if let bits = keys["prefixLength"].flatMap({ reader.integer($0, in: 1...32) }) {
            settings.prefixLength = UInt8(bits)
        }
        if let bits = keys["prefixLengthV6"].flatMap({ reader.integer($0, in: 1...128) }) {
            settings.prefixLengthV6 = UInt8(bits)
        }
    }
}
