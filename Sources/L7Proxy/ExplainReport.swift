import HTTPParser
import ProxyConfig
import ProxyCore
import StickyPolicy
import Transport

/// The walk of one request, in the words of the routes file.
struct ExplainReport {
    private let snapshot: ConfigSnapshot
    private let request: ExplainedRequest
    private let peer: IPAddress
    /// Those of the snapshot, for a question that leaves no trace.
    private var affinities: RouteAffinities
    private(set) var text = ""
    private(set) var hasBackend = false

    /// More routes that lost are counted, and not shown.
    private static let losersMax = 12

    init(_ snapshot: ConfigSnapshot, _ request: ExplainedRequest, peer: IPAddress) {
        self.snapshot = snapshot
        self.request = request
        self.peer = peer
        affinities = RouteAffinities(
            snapshot.configuration, resources: snapshot.resources.forQuestions())
    }

    private var configuration: Configuration { snapshot.configuration }

    private mutating func add(_ subject: String, _ line: String) {
        let margin = String(repeating: " ", count: max(1, 11 - subject.count))
        text += subject + margin + line + "\n"
    }

    mutating func write() {
        for listener in configuration.listeners { add("listener", describe(listener)) }
        let client = explainClient()
        let bytes = request.bytes
        let host = bytes.span.extracting(request.head.host.offsets)
        let match = snapshot.routeTable.resolve(
            host: host,
            path: bytes.span.extracting(request.head.path.offsets))
        var route: Int?
        if case .route(let position) = match { route = position }
        explainRoute(route)
        guard match != .ambiguous else {
            return add(
                "answer", "400: a backend may take another route for it, or a pattern gave up")
        }
        guard let affinity = affinity(of: match) else {
            return add("answer", "404: no route matches, and there is no default service")
        }
        guard !snapshot.needsTLS(match) || isSecure else {
            return add("answer", "308: the route is served in TLS only, and it is sent there")
        }
        if let rule = snapshot.clientRules.rule(ofHost: host, in: snapshot.routeTable) {
            guard rule.handshake != nil else {
                return add(
                    "answer", "503: the authority of the clients' certificates cannot be read")
            }
            explain(rule)
        }
        let settings =
            route.map { configuration.routes[$0].affinity } ?? configuration.defaultAffinity
        add("affinity", RoutesTable.affinity(settings))
        choose(affinity, from: client)
    }

    /// What a client would have to show cannot be told from here, only that it is asked for.
    private mutating func explain(_ rule: ClientRule) {
        let authority = rule.settings.authorities?.name ?? ""
        let isRequired = rule.settings.mode == .required
        add(
            "clients", "\(isRequired ? "must" : "may") show a certificate, authority: \(authority)")
    }

    /// By the URL, or by the word of a trusted peer.
    private var isSecure: Bool {
        guard snapshot.resolver.isTrusted(peer),
            let field = request.head.fields.first(.xForwardedProto)
        else { return request.isSecure }
        return request.bytes.span.extracting(field.value.offsets).equalsIgnoringCase("https")
    }

    private func describe(_ listener: ListenerAddress) -> String {
        switch listener {
        case .tcp(let endpoint): endpoint.description
        case .unix(let path): "unix:\(path)"
        }
    }

    private mutating func explainClient() -> IPAddress {
        let (client, steps) = snapshot.resolver.explain(
            peer: peer, head: request.head, in: request.bytes.span)
        add("client", "\(client) (clientIP.from: \(configuration.clientIP.source.rawValue))")
        for (index, step) in steps.enumerated() {
            let origin = index == 0 ? "the peer " : ""
            switch step {
            case .passed(let address):
                add("", "\(origin)\(address) is trusted")
            case .client(let address):
                add("", "\(origin)\(address) is not trusted, so it is the client")
            case .junk: add("", "what follows is no address: the walk ends")
            }
        }
        return client
    }

    private mutating func explainRoute(_ chosen: Int?) {
        if let chosen {
            add("route", describe(configuration.routes[chosen]))
        } else {
            add("route", "none matches")
        }
        let losers = losers(against: chosen)
        for route in losers.prefix(ExplainReport.losersMax) {
            add("", "not \(describe(route)): \(reason(against: route))")
        }
        if losers.count > ExplainReport.losersMax {
            add("", "and not \(losers.count - ExplainReport.losersMax) more")
        }
    }

    /// Those for the request's host first: they are what a reader asks about.
    private func losers(against chosen: Int?) -> [Route] {
        var ofHost: [Route] = []
        var others: [Route] = []
        for (position, route) in configuration.routes.enumerated() where position != chosen {
            if isOfHost(route) { ofHost.append(route) } else { others.append(route) }
        }
        return ofHost + others
    }

    private func describe(_ route: Route) -> String {
        let service = configuration.services[route.service].name
        return "\(route.host.text) \(route.path) \(route.typeText) -> \(service) "
            + "(\(route.origin.text))"
    }

    /// The table of this one route alone says whether it would match.
    private func reason(against route: Route) -> String {
        let table = RouteTable(compiling: [route])
        let bytes = request.bytes
        let host = bytes.span.extracting(request.head.host.offsets)
        let path = bytes.span.extracting(request.head.path.offsets)
        switch table.resolve(host: host, path: path) {
        case .route: return "it matches, and another is more specific"
        case .ambiguous: return "a backend may take it for this one, or its pattern gave up"
        case .none: break
        }
        return isOfHost(route) ? "another path" : "another host"
    }

    /// The route's host takes the request's, whatever the paths.
    private func isOfHost(_ route: Route) -> Bool {
        var anyPath = route
        (anyPath.path, anyPath.pathType, anyPath.isPattern) = ("/", .prefix, false)
        let slash: [UInt8] = [UInt8(ascii: "/")]
        let host = request.bytes.span.extracting(request.head.host.offsets)
        return RouteTable([anyPath]).match(host: host, path: slash.span) != nil
    }

    private mutating func affinity(of match: RouteMatch) -> RouteAffinity? {
        let configuration = configuration
        switch match {
        case .route(let position): return affinities.make(configuration.routes[position])
        case .none: return affinities.makeDefault(configuration)
        case .ambiguous: return nil
        }
    }

    /// The backends as they are now, by file, operator and health.
    private func makeSelector() -> BackendSelector {
        var selector = BackendSelector(
            services: affinities.services, seed: .random(in: .min ... .max))
        for (service, health) in snapshot.health.enumerated() {
            for (backend, state) in health.states.states.enumerated()
            where state != configuration.services[service].backends[backend].state {
                selector.setState(of: backend, inService: service, to: state)
            }
        }
        return selector
    }

    private mutating func choose(_ affinity: RouteAffinity, from client: IPAddress) {
        var selector = makeSelector()
        var facts = ClientFacts(
            address: client, unixSeconds: WallClock.unixSeconds(),
            monotonicSeconds: UInt32(truncatingIfNeeded: MonotonicTime.now().seconds))
        facts.isSecure = request.isSecure
        facts.localPort = snapshot.port(inTLS: request.isSecure) ?? 0
        let explanation = selector.explain(
            for: affinity, head: request.head, in: request.bytes.span, from: facts)
        if let cookie = explanation.cookie { add("cookie", describe(cookie)) }
        let service = configuration.services[explanation.service]
        explainBackends(of: service, explanation)
        guard let selection = explanation.selection else {
            return add("answer", "503: no backend may serve it")
        }
        hasBackend = true
        let side = selection.isCanary ? " (the canary)" : ""
        add("choice", service.backends[selection.backend].name + side)
        let moved = selection.wasMoved ? ", moved from its own backend" : ""
        add("why", "\(selection.kind.rawValue): \(selection.reason.rawValue)\(moved)")
        if selection.reason == .new || selection.kind == .none {
            add("", "a running proxy's turns and loads may choose another")
        }
        if selection.kind == .header, selection.reason == .drain {
            add("", "a running proxy keeps a value there that it has served there lately")
        }
    }

    private static func sixteenDigits(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private mutating func explainBackends(of service: Service, _ explanation: Explanation) {
        add("service", service.name + (service.backends.isEmpty ? ": no backends" : ""))
        if let selection = explanation.selection, selection.clientKey != 0 {
            add("key", ExplainReport.sixteenDigits(selection.clientKey))
        }
        for (position, backend) in service.backends.enumerated() {
            let candidate = explanation.candidates[position]
            let host = backend.host.map { " (\($0))" } ?? ""
            let owner = explanation.owner == position ? ", owner of the key" : ""
            add(
                position == 0 ? "backends" : "",
                "\(backend.name)\(host) \(candidate.state), weight \(candidate.weight)\(owner)")
        }
    }

    private func describe(_ cookie: Explanation.Cookie) -> String {
        switch cookie {
        case .absent: "none"
        case .forged: "not of our making, or of another service"
        case .expired: "too old, idle for too long, or from the future"
        case .sealed(let age, let key): "sealed \(age) s ago with key \(key)"
        case .ingressNginx: "of ingress-nginx"
        }
    }
}
