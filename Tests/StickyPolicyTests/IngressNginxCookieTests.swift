import HTTPParser
import Testing

@testable import StickyPolicy

@Suite("cookies of ingress-nginx")
struct IngressNginxCookieTests {
    private static let name = "default-http-svc-80"
    private static let key = "5a881deec44117eee2efd3540198e203"
    private static let pods = ["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"]

    private func site(
        _ mode: CookieSettings.Mode, pods: [String] = pods,
        _ change: (inout CookieSettings) -> Void = { _ in }
    ) -> StickyRoute {
        var service = ServiceProfile(
            name: "default/http-svc:80", position: 0,
            backends: pods.map { BackendProfile(name: $0) })
        service.ingressNginxName = Self.name
        return StickyRoute(
            cookieAffinity(mode, change), service: service,
            resources: RouteAffinity.Resources(
                authenticator: FakeAuthenticator(),
                sessions: SessionTable(limit: 1, seed: SessionTable.HashSeed(1, 2)),
                loads: BackendLoads()))
    }

    private func cookie(_ value: String) -> [String] { ["INGRESSCOOKIE=\(value)"] }

    @Test(
        "the second half is a hash of the service's name",
        arguments: [
            (name, key), ("access-router-production-web-80", "3ec0ac2d8dd2cda20a93dee13e737231"),
            ("shop-web-http", "1c68b25cdae3dfddb82cc0f3bff40ca0"),
        ])
    func serviceKey(name: String, digest: String) {
        #expect(IngressNginxCookie.serviceKey(of: name).text == digest)
    }

    @Test(
        "the first half of a persistent value is a hash of the pod's address",
        arguments: [
            ("10.0.0.1:8080", "5527bcca0bd221fcb9f44d85ffc6cc19"),
            ("10.0.0.2:8080", "0b10708464900db5af49ce687c27f805"),
            ("[fd00::1]:8080", "0f53982ae4ad0894141296e98df64821"),
        ])
    func persistentValue(address: String, digest: String) {
        let codec = IngressNginxCookie(name: Self.name, addresses: ["10.9.9.9:1", address])
        #expect(text { codec.append(persistent: 1, to: &$0) } == "\(digest)|\(Self.key)")
        #expect(codec.read(Array("\(digest)|\(Self.key)".utf8).span) == .backend(1))
        // The second half plays no part for the pod, as upstream.
        #expect(codec.read(Array(digest.utf8).span) == .backend(1))
    }

    @Test(
        "a sealed route keeps the client of a persistent value where it was, and reseals",
        arguments: [
            "0b10708464900db5af49ce687c27f805|5a881deec44117eee2efd3540198e203",
            "|0b10708464900db5af49ce687c27f805||5a881deec44117eee2efd3540198e203|more",
        ], [CookieSettings.Mode.persistent, .balanced])
    func migratePersistent(value: String, mode: CookieSettings.Mode) throws {
        let site = site(mode)
        let selection = try #require(site.select(cookies: cookie(value)))
        #expect(site.name(selection) == "10.0.0.2:8080" && selection.reason == .migrated)
        let sealed = try #require(site.cookie(for: selection))
        #expect(!sealed.contains("|"))
        let next = try #require(site.select(cookies: [sealed]))
        #expect(next.backend == selection.backend && next.reason == .hit && !next.setsCookie)
    }

    @Test("a sealed route keeps the client of a balanced value where it was, and reseals")
    func migrateBalanced() throws {
        let site = site(.balanced)
        let value = cookie("1700000000.123.27.482913|\(Self.key)")
        let selection = try #require(site.select(cookies: value))
        #expect(site.name(selection) == "10.0.0.2:8080" && selection.reason == .migrated)
        let sealed = try #require(site.cookie(for: selection))
        #expect(site.select(cookies: [sealed])?.backend == selection.backend)
    }

    @Test("the pod is down: its clients go where the ring says, and keep their cookies")
    func down() throws {
        let site = site(.balanced) { $0.format = .ingressNginx }
        site.setState(.down, of: "10.0.0.2:8080")
        let value = cookie("1700000000.123.27.482913|\(Self.key)")
        let selection = try #require(site.select(cookies: value))
        #expect(site.name(selection) == "10.0.0.1:8080" && selection.reason == .down)
        #expect(selection.wasMoved && !selection.setsCookie)
    }

    @Test("the pod of a persistent value is gone: parallel requests agree on its successor")
    func gone() throws {
        let value = cookie("ffffffffffffffffffffffffffffffff|\(Self.key)")
        let sites = [site(.persistent), site(.persistent)]
        let selections = try sites.map { try #require($0.select(cookies: value)) }
        #expect(selections[0].reason == .lost && selections[0].setsCookie)
        #expect(selections[0].backend == selections[1].backend)
    }

    @Test(
        "a value of another service, or without its half, is foreign",
        arguments: [
            "1700000000.123.27.482913", "1700000000.123.27.482913|", "garbage|\(name)",
            "abc|3ec0ac2d8dd2cda20a93dee13e737231", "abc%7C\(key)",
        ])
    func foreign(value: String) throws {
        let site = site(.balanced) { $0.format = .ingressNginx }
        let selection = try #require(site.select(cookies: cookie(value)))
        #expect(selection.reason == .forged && selection.setsCookie)
    }

    @Test("in its own format, what is written is read by the same rules", arguments: 0..<200)
    func roundTrip(seed: UInt64) throws {
        for mode in [CookieSettings.Mode.balanced, .persistent] {
            let site = site(mode) { $0.format = .ingressNginx }
            site.client.unixSeconds += Int64(seed)
            let new = try #require(site.select())
            let value = try #require(site.cookie(for: new))
            #expect(value.hasSuffix("|\(Self.key)"))
            let next = try #require(site.select(cookies: [value]))
            #expect(next.backend == new.backend && next.reason == .hit && !next.setsCookie)
        }
    }

    @Test("a balanced key looks like ingress-nginx's")
    func shape() {
        let codec = IngressNginxCookie(name: Self.name, addresses: [])
        for chance: UInt64 in [0, 1, 123_456_789, 4_294_967_295] {
            let key = IngressNginxCookie.Key(unixSeconds: 1_700_000_000, random: chance)
            let value = text { codec.append(balanced: key, to: &$0) }
            let parts = value.split(separator: "|")[0].split(separator: ".")
            #expect(parts.count == 4 && parts[0] == "1700000000" && parts[1].count == 3)
            #expect((1...999_999).contains(Int(parts[3]) ?? 0))
            #expect(codec.read(Array(value.utf8).span) == .key(key.ringHash))
        }
    }

    @Test("sealed cookies are read in the other format, too, and replaced")
    func back() throws {
        let sealing = site(.persistent)
        let sealed = try #require(sealing.cookie(for: sealing.select()))
        let site = site(.persistent) { $0.format = .ingressNginx }
        let selection = try #require(site.select(cookies: [sealed]))
        #expect(selection.reason == .migrated)
        #expect(site.cookie(for: selection)?.hasSuffix("|\(Self.key)") == true)
    }

    @Test("a route that accepts only sealed cookies takes no other")
    func sealedOnly() throws {
        let site = site(.persistent) { $0.acceptsBoth = false }
        let value = cookie("0b10708464900db5af49ce687c27f805|\(Self.key)")
        #expect(site.select(cookies: value)?.reason == .forged)
    }

    @Test("scaling moves balanced clients only to new pods")
    func scaling() throws {
        let before = site(.balanced) { $0.format = .ingressNginx }
        let pods = Self.pods + ["10.0.0.4:8080"]
        let after = site(.balanced, pods: pods) { $0.format = .ingressNginx }
        for number in 0..<500 {
            let value = cookie("\(number)|\(Self.key)")
            let (old, new) = (before.select(cookies: value), after.select(cookies: value))
            #expect(new?.backend == 3 || new?.backend == old?.backend)
            #expect(new?.setsCookie == false)
        }
    }
}
