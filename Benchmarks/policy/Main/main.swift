import CountedMemory
import Glibc
import HTTPParser
import StickyPolicy

/// A tag that costs next to nothing: the MAC is not measured here.
struct CheapAuthenticator: MessageAuthenticator {
    var keyCount: Int { 1 }

    func tag(over message: Span<UInt8>, key: Int) -> AuthenticationTag {
        var sum: UInt64 = 14_695_981_039_346_656_037
        for index in message.indices { sum = (sum ^ UInt64(message[index])) &* 1_099_511_628_211 }
        return AuthenticationTag(high: sum, low: ~sum)
    }
}

struct Request {
    var head = RequestHead()
    let bytes: [UInt8]

    init(_ fields: String) {
        let bytes = Array("GET /index.html HTTP/1.1\r\nHost: a\r\n\(fields)\r\n".utf8)
        var scannedCount = 0
        let limits = ParserLimits(headBytesMax: 8192, targetBytesMax: 1024, fieldCountMax: 32)
        _ = try? RequestParser(limits: limits).parse(
            bytes.span, scannedCount: &scannedCount, into: &head)
        self.bytes = bytes
    }
}

struct Stage {
    let route: RouteAffinity
    var selector: BackendSelector

    init(
        _ settings: AffinitySettings, balance: BalanceKind = .roundRobin, backends: Int,
        sessions: SessionTable
    ) {
        var service = ServiceProfile(
            name: "shop", position: 0,
            backends: (0..<backends).map { BackendProfile(name: "node\($0)") })
        service.balance = balance
        service.ingressNginxName = "default-shop-80"
        route = RouteAffinity(
            settings, path: "/", service: service,
            resources: RouteAffinity.Resources(
                authenticator: CheapAuthenticator(), sessions: sessions, loads: BackendLoads()))
        selector = BackendSelector(services: [service], seed: 7)
    }

    mutating func select(_ request: Request, _ client: ClientFacts) -> Selection? {
        selector.select(for: route, head: request.head, in: request.bytes.span, from: client)
    }

    /// Has the chosen backend answer with this cookie.
    mutating func answer(_ cookie: String, to request: Request, _ client: ClientFacts) {
        guard var selection = select(request, client) else { return }
        let bytes = Array("HTTP/1.1 200 OK\r\nSet-Cookie: \(cookie)\r\n\r\n".utf8)
        var head = ResponseHead()
        var scannedCount = 0
        let limits = ParserLimits(headBytesMax: 8192, targetBytesMax: 0, fieldCountMax: 32)
        _ = try? ResponseParser(limits: limits).parse(
            bytes.span, scannedCount: &scannedCount, into: &head)
        selector.learn(from: head, in: bytes.span, of: &selection, for: (route, client))
    }

    func cookie(_ selection: Selection?, _ client: ClientFacts) -> String {
        guard let selection else { return "" }
        var writer = ByteWriter(capacity: 1024)
        route.appendSetCookie(
            for: selection, isSecure: false, at: client.unixSeconds, to: &writer)
        let line = String(decoding: writer.copyBytes(), as: UTF8.self)
        return String(line.dropFirst(12).prefix { $0 != ";" })
    }
}

func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

var allocatingNames: [String] = []

/// The best of five runs: what the machine does besides only adds.
@MainActor
func measure(_ name: String, _ count: Int = 200_000, _ body: (Int) -> Void) {
    var best = Double.infinity
    body(0)
    let before = allocationCount()
    for _ in 0..<5 {
        let start = nanoseconds()
        for round in 0..<count { body(round) }
        best = min(best, Double(nanoseconds() - start) / Double(count))
    }
    // A table that grows now and then is not what a decision costs.
    let allocates = (allocationCount() - before) * 100 > UInt64(5 * count)
    if allocates { allocatingNames.append(name) }
    print("\(name): \(Int(best.rounded())) ns" + (allocates ? ", and it allocates" : ""))
}

/// Bytes of the process that are in memory.
func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, 127, file) != nil else { return 0 }
    let text = String(
        decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return (Int(text.split(separator: " ")[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE))
}

let plain = Request("User-Agent: benchmark\r\n")
var client = ClientFacts(
    address: IPAddress(v4: 0xC000_0201), unixSeconds: 1_700_000_000, monotonicSeconds: 1)
let noSessions = SessionTable(limit: 1, seed: SessionTable.HashSeed(1, 2))

for mode in [CookieSettings.Mode.persistent, .balanced] {
    var settings = CookieSettings()
    settings.mode = mode
    var stage = Stage(
        AffinitySettings(kind: .cookie(settings)), backends: 100, sessions: noSessions)
    let cookie = stage.cookie(stage.select(plain, client), client)
    let request = Request("User-Agent: benchmark\r\nCookie: theme=dark; \(cookie)\r\n")
    precondition(stage.select(request, client)?.reason == .hit)
    measure("cookie hit, \(mode), 100 backends") { _ in _ = stage.select(request, client) }
}
var nginx = CookieSettings()
nginx.format = .ingressNginx
var ring = Stage(AffinitySettings(kind: .cookie(nginx)), backends: 100, sessions: noSessions)
let old = Request("Cookie: " + ring.cookie(ring.select(plain, client), client) + "\r\n")
precondition(ring.select(old, client)?.reason == .hit)
measure("ingress-nginx cookie hit, balanced, 100 backends") { _ in _ = ring.select(old, client) }

for count in [1_000, 10_000, 100_000, 1_000_000] {
    let before = residentBytes()
    let table = SessionTable(limit: 1_000_000, seed: SessionTable.HashSeed(1, 2))
    var stage = Stage(
        AffinitySettings(kind: .clientIP(ClientIPSettings())), backends: 100, sessions: table)
    for number in 0..<count {
        client.address = IPAddress(v4: UInt32(number))
        _ = stage.select(plain, client)
    }
    let megabytes = (residentBytes() - before) / 1_000_000
    // Any client at any time, none the sooner for having come before: 20,000 requests a second.
    var order = SplitMix64(seed: 5)
    var requests: UInt32 = 0
    measure("ClientIP hit, \(count) entries, \(megabytes) MB") { _ in
        requests += 1
        client.monotonicSeconds = 1 + requests / 20_000
        client.address = IPAddress(
            v4: UInt32(order.next().multipliedFullWidth(by: UInt64(count)).high))
        _ = stage.select(plain, client)
    }
    guard count == table.limit else { continue }
    // Each takes the place of the one that is gone for longest.
    var newcomer: UInt32 = 1 << 31
    measure("ClientIP, new client of a full table of \(count)") { _ in
        newcomer += 1
        client.address = IPAddress(v4: newcomer)
        _ = stage.select(plain, client)
    }
}
client.monotonicSeconds = 1

let user = Request("X-User: somebody@example.com\r\n")
var header = Stage(
    AffinitySettings(kind: .hash(HashSettings(key: .field("X-User")))), backends: 100,
    sessions: SessionTable(limit: 1_000, seed: SessionTable.HashSeed(1, 2)))
measure("header, 100 backends") { _ in _ = header.select(user, client) }
for (text, address) in [
    ("$request_uri", "192.0.2.1"), ("$remote_addr", "192.0.2.1"), ("$remote_addr", "2001:db8::1"),
] {
    guard let expression = try? HashExpression(text), let address = IPAddress(address) else {
        continue
    }
    var hash = Stage(
        AffinitySettings(kind: .hash(HashSettings(key: .expression(expression)))), backends: 100,
        sessions: noSessions)
    var from = client
    from.address = address
    measure("upstream-hash-by \(text) of \(address), 100 backends") { _ in
        _ = hash.select(user, from)
    }
}
let tomcat = Request("Cookie: a=b; JSESSIONID=0123456789abcdef.node7\r\n")
for (name, mode) in [
    ("learn", ApplicationCookieSettings.Mode.learn(timeoutSeconds: 60)), ("suffix", .routeSuffix),
] {
    var stage = Stage(
        AffinitySettings(kind: .application(ApplicationCookieSettings(mode: mode))), backends: 100,
        sessions: SessionTable(limit: 1_000, seed: SessionTable.HashSeed(1, 2)))
    stage.answer("JSESSIONID=0123456789abcdef.node7", to: plain, client)
    precondition(stage.select(tomcat, client)?.reason == .hit)
    measure("\(name) hit, 100 backends") { _ in _ = stage.select(tomcat, client) }
}

for balance in BalanceKind.allCases {
    var stage = Stage(
        AffinitySettings(), balance: balance, backends: 100, sessions: noSessions)
    measure("new client, \(balance.rawValue), 100 backends") { _ in
        _ = stage.select(plain, client)
    }
}
var persistent = CookieSettings()
persistent.mode = .persistent
var fresh = Stage(
    AffinitySettings(kind: .cookie(persistent)), backends: 100, sessions: noSessions)
measure("new client, persistent cookie, 100 backends") { _ in _ = fresh.select(plain, client) }
var drawn = Stage(
    AffinitySettings(kind: .cookie(CookieSettings())), backends: 100, sessions: noSessions)
measure("new client, balanced cookie, 100 backends", 5_000) { _ in
    _ = drawn.select(plain, client)
}
var sealed = CookieSettings()
sealed.format = .ingressNginx
var upstream = Stage(AffinitySettings(kind: .cookie(sealed)), backends: 100, sessions: noSessions)
measure("new client, ingress-nginx cookie, 100 backends", 5_000) { _ in
    _ = upstream.select(plain, client)
}
if !allocatingNames.isEmpty {
    print("allocates: \(allocatingNames.joined(separator: "; "))")
    exit(1)
}
