import ProxyCore
import Testing

@testable import L7Proxy

@Suite("what speaks against clients")
struct ClientRuleTests {
    @Test(
        "in the clear a pattern lets nobody in, even where a certificate is optional",
        arguments: [
            (.required, nil, 400), (.optional, nil, nil), (.optionalWithoutAuthority, nil, nil),
            (.required, "CN=alice", 400), (.optional, "CN=alice", 400),
            (.optionalWithoutAuthority, "CN=alice", 400),
        ] as [(ClientVerification.Mode, String?, UInt16?)])
    func clear(mode: ClientVerification.Mode, pattern: String?, status: UInt16?) {
        var settings = ClientVerification(authorities: nil)
        settings.mode = mode
        settings.subjectPattern = pattern
        #expect(ClientRule(settings, number: 0).objectionInTheClear?.status == status)
    }
}
