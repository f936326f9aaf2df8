import ProxyConfig
import StickyPolicy
import Testing

@Suite struct AdminKeysTests {
    private static func local(_ port: UInt16) -> ListenerAddress {
        .tcp(Endpoint(address: IPAddress(v4: 0x7F00_0001), port: port))
    }

    @Test(
        "admin is an address, a mapping of address and token file, or off",
        arguments: [
            ("", AdminRule.usual),
            ("admin: off", .off),
            ("admin: 127.0.0.1:9000", .at(local(9000), tokenFile: nil)),
            ("admin: unix:/run/admin", .at(.unix(path: "/run/admin"), tokenFile: nil)),
            ("admin: {address: 127.0.0.1:0}", .at(local(0), tokenFile: nil)),
            ("admin: {tokenFile: /t}", .at(AdminRule.usualAddress, tokenFile: "/t")),
            ("admin: {tokenFile: t}", .at(AdminRule.usualAddress, tokenFile: "t")),
        ])
    func good(text: String, expected: AdminRule) throws {
        #expect(try configuration(text).admin == expected)
    }

    @Test(
        "an address that other machines can reach needs a token file",
        arguments: ["0.0.0.0:9901", "192.0.2.1:9901", "[::]:9901", "[2001:db8::1]:9901"])
    func needsToken(address: String) throws {
        let result = load("admin: '\(address)'")
        #expect(result.configuration == nil)
        #expect(
            result.summary == [
                "1:8: error: 'admin' at \(address) can be reached from other machines, so it "
                    + "needs a 'tokenFile'"
            ])
        _ = try configuration("admin: {address: '\(address)', tokenFile: t}")
    }

    @Test("the files that are named are known, also of a configuration with errors")
    func named() {
        let text = "admin: {tokenFile: /t}\ncookieKeys: [/k]\n"
        #expect(load(text).namedPaths == ["/k", "/t"])
        let bad = load(text + "unknown: 1\n")
        #expect(bad.configuration == nil && bad.namedPaths == ["/k", "/t"])
    }

    @Test("the whole of 127.0.0.0/8 and ::1 are local", arguments: ["127.9.9.9:1", "[::1]:1"])
    func loopback(address: String) throws {
        _ = try configuration("admin: '\(address)'")
    }

    @Test(
        "a bad admin says what it must be",
        arguments: [
            (
                "admin: yes",
                "1:8: error: 'admin' must be an address such as 127.0.0.1:9901, unix:/path, or "
                    + "off, found 'yes'"
            ),
            ("admin: {adress: 1}", "1:9: error: unknown key 'adress' in 'admin'"),
        ])
    func bad(text: String, summary: String) {
        let result = load(text)
        #expect(result.configuration == nil && result.summary == [summary])
    }
}
