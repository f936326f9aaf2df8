import Glibc
import HTTPParser
import StickyPolicy

// RandomCookies COUNT [SEED]: so many cookies that the proxy did not make, random ones and good ones
// with a change, through the policy as a request's. Not one may verify; the exit status says so.

/// A route that takes both formats, with two keys and the digest of the real proxy.
struct Site {
    let route: RouteAffinity
    var selector: BackendSelector
    let parser = RequestParser(
        limits: ParserLimits(headBytesMax: 8_192, targetBytesMax: 1_024, fieldCountMax: 32))
    let client = ClientFacts(
        address: IPAddress(v4: 1), unixSeconds: 1_700_000_000, monotonicSeconds: 1)

    init() {
        var service = ServiceProfile(
            name: "shop", position: 0,
            backends: (0..<10).map { BackendProfile(name: "10.0.0.\($0):8080") })
        service.ingressNginxName = "default-shop-80"
        var settings = CookieSettings()
        settings.name = "route"
        // A balanced value of ingress-nginx is any text: there is nothing in it to verify.
        settings.mode = .persistent
        route = RouteAffinity(
            AffinitySettings(kind: .cookie(settings)), path: "/", service: service,
            resources: RouteAffinity.Resources(
                authenticator: HMACAuthenticator(
                    secrets: [7, 9].map { Array(repeating: $0, count: 32) }),
                sessions: SessionTable(limit: 1, seed: SessionTable.HashSeed(1, 2)),
                loads: BackendLoads()))
        selector = BackendSelector(services: [service], seed: 1)
    }

    /// nil: not a request, for a byte that no field may have.
    mutating func select(_ cookie: [UInt8]) -> Selection? {
        let bytes =
            Array("GET / HTTP/1.1\r\nHost: a\r\nCookie: route=".utf8) + cookie
            + Array("\r\n\r\n".utf8)
        var head = RequestHead()
        var scannedCount = 0
        guard
            let progress = try? parser.parse(bytes.span, scannedCount: &scannedCount, into: &head),
            case .complete = progress
        else { return nil }
        return selector.select(for: route, head: head, in: bytes.span, from: client)
    }

    /// The value that a new client gets.
    mutating func goodCookie() -> [UInt8] {
        guard let selection = select([]) else { return [] }
        var writer = ByteWriter(capacity: 1_024)
        route.appendSetCookie(
            for: selection, isSecure: false, at: client.unixSeconds, to: &writer)
        let line = writer.copyBytes().dropFirst("Set-Cookie: route=".utf8.count)
        return Array(line.prefix { $0 != 0x3B })
    }
}

/// Makes what a forger might send.
struct Forger {
    private static let alphabet = Array(
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_|.".utf8)

    var generator: SplitMix64
    let goodCookies: [[UInt8]]

    mutating func number(below bound: Int) -> Int {
        Int(generator.next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    private mutating func letters(_ count: Int, of kinds: Int = 64) -> [UInt8] {
        (0..<count).map { _ in Forger.alphabet[number(below: kinds)] }
    }

    mutating func cookie(_ round: Int) -> [UInt8] {
        var value = goodCookies[number(below: goodCookies.count)]
        switch round % 7 {
        case 0: value = letters(52)
        // A right version, so that the tag is what refuses.
        case 1: value.replaceSubrange(4..., with: letters(value.count - 4))
        // As ingress-nginx writes them: two digests.
        case 6: value = letters(32, of: 16) + [0x7C] + letters(32, of: 16)
        case 2: value = (0..<number(below: 90)).map { _ in UInt8(0x21 + number(below: 0x5E)) }
        case 3: value = (0..<number(below: 90)).map { _ in UInt8(number(below: 256)) }
        case 4: splice(&value)
        default: change(&value)
        }
        // Whoever copies a good cookie has one; what stands behind its end is not of it.
        return goodCookies.contains { isSame(value, $0) } ? [] : value
    }

    private mutating func change(_ value: inout [UInt8]) {
        let position = number(below: value.count)
        let letter = Forger.alphabet[number(below: Forger.alphabet.count)]
        switch number(below: 4) {
        case 0: value.remove(at: position)
        case 1: value.insert(letter, at: position)
        default: value[position] = letter
        }
    }

    private mutating func splice(_ value: inout [UInt8]) {
        let other = goodCookies[number(below: goodCookies.count)]
        let position = number(below: min(value.count, other.count))
        value = Array(value[..<position] + other[position...])
    }

    private func isSame(_ value: [UInt8], _ good: [UInt8]) -> Bool {
        value.prefix { $0 != 0x3B } == good[...]
    }
}

guard let count = CommandLine.arguments.dropFirst().first.flatMap(Int.init) else {
    print("usage: RandomCookies COUNT [SEED]")
    exit(64)
}
// A run is repeated by its seed.
let seed = CommandLine.arguments.dropFirst(2).first.flatMap(UInt64.init) ?? UInt64(time(nil))
print("seed \(seed)")
var site = Site()
var forger = Forger(
    generator: SplitMix64(seed: seed), goodCookies: (0..<64).map { _ in site.goodCookie() })
precondition(forger.goodCookies.allSatisfy { site.select($0)?.reason == .hit })
var counts: [String: Int] = [:]
for round in 0..<count {
    counts[site.select(forger.cookie(round))?.reason.rawValue ?? "not a request", default: 0] += 1
}
for (reason, count) in counts.sorted(by: { $0.value > $1.value }) { print("\(reason): \(count)") }
// Empty values, and what copies a good one, are sent as no cookie.
let refusals: Set = ["forged", "new", "not a request"]
let verifiedCount = counts.filter { !refusals.contains($0.key) }.values.reduce(0, +)
print("\(verifiedCount) of \(count) cookies verified")
exit(verifiedCount == 0 ? 0 : 1)
