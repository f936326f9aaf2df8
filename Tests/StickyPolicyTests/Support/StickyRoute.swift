import HTTPParser

@testable import StickyPolicy

/// One route with its service and one worker, to send requests through.
final class StickyRoute {
    let service: ServiceProfile
    let route: RouteAffinity
    let sessions: SessionTable
    var selector: BackendSelector
    var client = ClientFacts(
        address: IPAddress(v4: 0xC000_0201), unixSeconds: 1_700_000_000, monotonicSeconds: 1000)

    convenience init(
        _ settings: AffinitySettings, backends: [BackendProfile],
        authenticator: FakeAuthenticator = FakeAuthenticator(), seed: UInt64 = 1
    ) {
        let service = ServiceProfile(name: "shop", position: 0, backends: backends)
        let sessions = SessionTable(limit: 100_000, seed: SessionTable.HashSeed(1, 2))
        self.init(
            settings, service: service, seed: seed,
            resources: RouteAffinity.Resources(
                authenticator: authenticator, sessions: sessions, loads: BackendLoads()))
    }

    init(
        _ settings: AffinitySettings, service: ServiceProfile, seed: UInt64 = 1,
        resources: RouteAffinity.Resources
    ) {
        self.service = service
        sessions = resources.sessions
        route = RouteAffinity(settings, path: "/", service: service, resources: resources)
        selector = BackendSelector(services: [service], seed: seed)
    }

    /// The choice for a request with these Cookie lines.
    func select(cookies: [String] = []) -> Selection? {
        select(TestRequest(cookies: cookies))
    }

    func select(_ request: TestRequest) -> Selection? {
        selector.select(for: route, head: request.head, in: request.bytes.span, from: client)
    }

    func successor(of failed: Selection, tried: [Int]) -> Selection? {
        var set = TriedBackends()
        for backend in tried { set.insert(backend) }
        return selector.successor(of: failed, for: route, excluding: set, from: client)
    }

    func setState(_ state: BackendState, of name: String) {
        guard let position = service.backends.firstIndex(where: { $0.name == name }) else { return }
        selector.setState(of: position, inService: 0, to: state)
    }

    /// The names of the backends of the next `count` clients without a session.
    func newClients(_ count: Int) -> [String] {
        (0..<count).compactMap { _ in name(select()) }
    }

    /// The name of the chosen backend.
    func name(_ selection: Selection?) -> String? {
        selection.map { service.backends[$0.backend].name }
    }

    /// The `Set-Cookie` line without its CRLF; empty when there is none.
    func line(for selection: Selection?, isSecure: Bool = false) -> String {
        guard let selection else { return "" }
        return text {
            route.appendSetCookie(
                for: selection, isSecure: isSecure, at: client.unixSeconds, to: &$0)
        }.replacing("\r\n", with: "")
    }

    /// `name=value` of the cookie that the response sets, as a browser sends it back.
    func cookie(for selection: Selection?) -> String? {
        let line = line(for: selection)
        guard line.hasPrefix("Set-Cookie: ") else { return nil }
        return line.dropFirst(12).split(separator: ";").first.map(String.init)
    }
}

/// Cookie affinity with these changes to the defaults.
func cookieAffinity(
    _ mode: CookieSettings.Mode, _ change: (inout CookieSettings) -> Void = { _ in }
) -> AffinitySettings {
    var settings = CookieSettings()
    settings.mode = mode
    change(&settings)
    return AffinitySettings(kind: .cookie(settings))
}

/// Affinity by the field `X-User`.
func headerAffinity(_ change: (inout HashSettings) -> Void = { _ in }) -> AffinitySettings {
    var settings = HashSettings(key: .field("X-User"))
    change(&settings)
    return AffinitySettings(kind: .hash(settings))
}

/// `upstream-hash-by`.
func hashAffinity(
    _ expression: String, _ change: (inout HashSettings) -> Void = { _ in }
) throws -> AffinitySettings {
    var settings = HashSettings(key: .expression(try HashExpression(expression)))
    change(&settings)
    return AffinitySettings(kind: .hash(settings))
}

/// Backends of weight 1 that are ready.
func backends(_ names: String...) -> [BackendProfile] {
    names.map { BackendProfile(name: $0) }
}

/// `b0`, `b1`, … up to `count` of them.
func backends(count: Int) -> [BackendProfile] {
    (0..<count).map { BackendProfile(name: "b\($0)") }
}
