import Synchronization

@testable import StickyPolicy

/// Authentication codes that are quick, repeatable and good enough for tests: a keyed hash, twice.
final class FakeAuthenticator: MessageAuthenticator {
    private let secrets: [UInt64]
    private let calls = Atomic<Int>(0)

    /// Two authenticators with a secret in common verify each other's tokens by it.
    init(secrets: [UInt64] = [1]) {
        self.secrets = secrets
    }

    var keyCount: Int { secrets.count }

    /// How often a tag was computed.
    var callCount: Int { calls.load(ordering: .relaxed) }

    func tag(over message: Span<UInt8>, key: Int) -> AuthenticationTag {
        calls.add(1, ordering: .relaxed)
        var high = SipHash(key: (secrets[key], 0x6869_6768))
        var low = SipHash(key: (secrets[key], 0x6C6F_7700))
        high.combine(message)
        low.combine(message)
        return AuthenticationTag(high: high.finalize(), low: low.finalize())
    }
}
