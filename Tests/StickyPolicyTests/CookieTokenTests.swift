import HTTPParser
import Testing

@testable import StickyPolicy

@Suite("sealed cookies")
struct CookieTokenTests {
    let token = CookieToken(
        backendIdentity: 0x0123_4567_89AB_CDEF, clientKey: 0xFEDC_BA98_7654_3210,
        issuedAt: 1_700_000_000)

    private func sealer(
        _ secrets: [UInt64] = [1], service: String = "shop", cookie: String = "route"
    ) -> CookieSealer {
        CookieSealer(
            service: service, cookieName: cookie, authenticator: FakeAuthenticator(secrets: secrets)
        )
    }

    private func sealed(_ sealer: CookieSealer) -> [UInt8] {
        Array(text { sealer.seal(token, to: &$0) }.utf8)
    }

    @Test("what was sealed opens again, with its key")
    func roundTrip() {
        let sealer = sealer([1, 2])
        let value = sealed(sealer)
        #expect(value.count == 52)
        #expect(sealer.open(value.span) == OpenedToken(token: token, key: 0))
    }

    @Test(
        "every field is kept to its last bit",
        arguments: [
            CookieToken(backendIdentity: 0, clientKey: 0, issuedAt: 0),
            CookieToken(backendIdentity: .max, clientKey: .max, issuedAt: 1 << 40 - 1),
            CookieToken(backendIdentity: 1, clientKey: 1 << 63, issuedAt: 1),
        ])
    func extremes(token: CookieToken) {
        let sealer = sealer()
        let value = Array(text { sealer.seal(token, to: &$0) }.utf8)
        #expect(sealer.open(value.span)?.token == token)
    }

    @Test("a time that 40 bits do not hold is cut to what they hold", arguments: [-1, Int64.max])
    func issuedAtClamped(seconds: Int64) {
        let token = CookieToken(backendIdentity: 0, clientKey: 0, issuedAt: seconds)
        #expect(token.issuedAt == (seconds < 0 ? 0 : 1 << 40 - 1))
    }

    @Test("a token that differs in one character is refused, whichever and however")
    func everyCharacter() {
        let sealer = sealer([1, 2, 3])
        let value = sealed(sealer)
        for position in value.indices {
            for character in UInt8.min...UInt8.max where character != value[position] {
                var forged = value
                forged[position] = character
                #expect(sealer.open(forged.span) == nil)
            }
        }
    }

    @Test(
        "a version or flag of a later release is refused",
        arguments: [("AQAA", true), ("AQEA", false), ("AgAA", false), ("AAAA", false)])
    func version(start: String, isRead: Bool) {
        let text = Array((start + String(repeating: "A", count: 48)).utf8)
        let isSealed = SealedBytes(text: text.span) != nil
        #expect(isSealed == isRead)
    }

    @Test("a token of another length is refused")
    func lengths() {
        let sealer = sealer()
        let value = sealed(sealer)
        for count in 0..<value.count { #expect(sealer.open(Array(value[..<count]).span) == nil) }
        for more in ["A", "=", "AAAA", " "] {
            #expect(sealer.open((value + Array(more.utf8)).span) == nil)
        }
    }

    @Test("100,000 random cookies never verify and never trap")
    func random() {
        let sealer = sealer([1, 2])
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var generator = SplitMix64(seed: 3)
        var openedCount = 0
        for round in 0..<100_000 {
            let isShaped = !round.isMultiple(of: 4)
            let count = isShaped ? 52 : Int(generator.next() % 64)
            var bytes = (0..<count).map { _ in
                let random = generator.next()
                return isShaped ? alphabet[Int(random % 64)] : UInt8(truncatingIfNeeded: random)
            }
            // A right version, so that the tag is what refuses.
            if isShaped { bytes.replaceSubrange(0..<3, with: Array("AQA".utf8)) }
            if sealer.open(bytes.span) != nil { openedCount += 1 }
        }
        #expect(openedCount == 0)
    }

    @Test("a key that was rotated out of the first place still verifies; a removed one does not")
    func rotation() {
        let value = sealed(sealer([1]))
        #expect(sealer([2, 1]).open(value.span) == OpenedToken(token: token, key: 1))
        #expect(sealer([3, 2, 1]).open(value.span)?.key == 2)
        #expect(sealer([2]).open(value.span) == nil)
    }

    @Test("a token is of one service and one cookie name, and the border between them is fixed")
    func scope() {
        let value = sealed(sealer(service: "shop", cookie: "route"))
        #expect(sealer(service: "shop", cookie: "route").open(value.span) != nil)
        #expect(sealer(service: "blog", cookie: "route").open(value.span) == nil)
        #expect(sealer(service: "shop", cookie: "other").open(value.span) == nil)
        #expect(sealer(service: "shopr", cookie: "oute").open(value.span) == nil)
    }

    @Test("a token of the former scope opens, under each key, and names backends as it did")
    func formerScope() {
        let old = sealer([1], service: "shop:http")
        let new = CookieSealer(
            service: "shop:80", formerService: "shop:http", cookieName: "route",
            authenticator: FakeAuthenticator(secrets: [2, 1]))
        let value = sealed(old)
        #expect(new.keyCount == 2 && new.namingCount == 4)
        #expect(new.open(value.span) == OpenedToken(token: token, key: 1, naming: 3))
        #expect(
            new.identity(ofBackend: "a", naming: 3) == old.identity(ofBackend: "a", naming: 0))
        #expect(sealer([2, 1], service: "shop:80").open(value.span) == nil)
        #expect(new.fingerprint != sealer([2, 1], service: "shop:80").fingerprint)
    }

    @Test("backends are called otherwise under each key, service and cookie name")
    func identities() {
        let sealer = sealer([1, 2])
        let names = [
            sealer.identity(ofBackend: "a", naming: 0), sealer.identity(ofBackend: "b", naming: 0),
            sealer.identity(ofBackend: "a", naming: 1),
            self.sealer(service: "blog").identity(ofBackend: "a", naming: 0),
            self.sealer(cookie: "other").identity(ofBackend: "a", naming: 0),
        ]
        #expect(Set(names).count == names.count)
        #expect(self.sealer([9, 1]).identity(ofBackend: "a", naming: 1) == names[0])
    }

    @Test("the memory of verified tokens answers as the sealer does, and forgets with the keys")
    func memory() {
        let old = sealer([1])
        let new = sealer([2, 1])
        let last = sealer([2])
        let value = sealed(old)
        var verified = VerifiedTokens(capacity: 1)
        for _ in 0..<2 {
            for sealer in [old, new, last] {
                let opened = verified.open(
                    value.span, with: sealer, fingerprint: sealer.fingerprint)
                #expect(opened == sealer.open(value.span))
            }
        }
    }

    @Test("a forgery beside a remembered token is not taken for it")
    func memoryComparesAll() {
        let sealer = sealer()
        let value = sealed(sealer)
        var verified = VerifiedTokens(capacity: 1)
        #expect(verified.open(value.span, with: sealer, fingerprint: sealer.fingerprint) != nil)
        for position in value.indices {
            var forged = value
            forged[position] = forged[position] == 0x41 ? 0x42 : 0x41
            let opened = verified.open(
                forged.span, with: sealer, fingerprint: sealer.fingerprint)
            #expect(opened == nil)
        }
    }
}
