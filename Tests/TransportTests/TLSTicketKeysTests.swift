import Testing

@testable import Transport

@Suite("Session ticket keys")
struct TLSTicketKeysTests {
    private func find(_ key: TLSTicketKeys.Key, in keys: TLSTicketKeys) -> Bool? {
        // SAFETY: the array's own memory, for the length of the closure.
        unsafe key.name.withUnsafeBufferPointer { unsafe keys.key(named: $0)?.isOld }
    }

    @Test("keys of its own are replaced, and read tickets for as long as these are valid")
    func rotation() {
        let keys = TLSTicketKeys()
        let start = MonotonicTime.now().nanoseconds
        let first = keys.newest(at: start)
        let step = TLSTicketKeys.rotationNanoseconds
        #expect(keys.newest(at: start + step / 2).name == first.name)
        let second = keys.newest(at: start + step + 1)
        #expect(second.name != first.name && second.cipherKey != first.cipherKey)
        #expect(find(first, in: keys) == true && find(second, in: keys) == false)
        _ = keys.newest(at: start + 2 * step + 2)
        #expect(find(first, in: keys) == true)
        _ = keys.newest(at: start + 3 * step + 3)
        #expect(find(first, in: keys) == nil)
    }

    @Test("of keys from files the first encrypts, all decrypt, and none is replaced")
    func files() throws {
        let secrets = [1, 2].map { [UInt8](repeating: $0, count: 80) }
        let keys = try TLSTicketKeys(secrets)
        let newest = keys.newest(at: .max)
        #expect(newest.name == [UInt8](repeating: 1, count: 16))
        #expect(find(newest, in: keys) == false)
        let old = try TLSTicketKeys([secrets[1]]).newest(at: 0)
        #expect(find(old, in: keys) == true)
    }

    @Test("a key of another length is refused", arguments: [0, 48, 79, 81])
    func lengths(count: Int) {
        #expect(throws: TLSError("a ticket key has \(count) bytes; it must have 80")) {
            try TLSTicketKeys([[UInt8](repeating: 0, count: count)])
        }
        #expect(throws: TLSError("there is no ticket key")) { try TLSTicketKeys([]) }
    }
}
