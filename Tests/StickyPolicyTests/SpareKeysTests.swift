import Testing

@testable import StickyPolicy

@Suite("keys that were drawn for others")
struct SpareKeysTests {
    @Test("each key is given out once, to the backend that it was kept for")
    func once() {
        var keys = SpareKeys(backendCount: 2)
        #expect(keys.take(of: 0) == nil)
        keys.keep(7, of: 0)
        keys.keep(8, of: 1)
        keys.keep(9, of: 1)
        #expect(keys.take(of: 0) == 7)
        #expect(keys.take(of: 0) == nil)
        #expect(Set([keys.take(of: 1), keys.take(of: 1)]) == [8, 9])
        #expect(keys.take(of: 1) == nil)
    }

    @Test("a backend has as many as it may, and none of the next one's", arguments: [7, 8, 9])
    func full(count: Int) {
        var keys = SpareKeys(backendCount: 2)
        for key in 0..<UInt64(count) { keys.keep(key, of: 0) }
        #expect(keys.take(of: 1) == nil)
        var taken = 0
        while keys.take(of: 0) != nil { taken += 1 }
        #expect(taken == min(count, SpareKeys.countMax))
    }
}
