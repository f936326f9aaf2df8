import Testing

@testable import StickyPolicy

@Suite("places of the session table")
struct SessionSlotsTests {
    private func entry(_ number: UInt32, hash: UInt32) -> SessionEntry {
        SessionEntry(
            key: key(number), backend: UInt64(number), lastUse: 0, timeout: 0, listedAt: 0,
            hash: hash)
    }

    private func key(_ number: UInt32) -> SessionKey {
        SessionKey(service: 1, address: IPAddress(v4: number))
    }

    /// A hash as good as a random one.
    private func hash(_ number: UInt32) -> UInt32 {
        UInt32(truncatingIfNeeded: mixed(UInt64(number) + 1))
    }

    @Test("keys of one hash fill all places, and each is found until it goes")
    func oneHash() {
        var slots = SessionSlots(groupCount: 4)
        let numbers = 0..<UInt32(slots.placeCount)
        let places = numbers.map { slots.insert(entry($0, hash: 0xFFFF_FF00)) }
        #expect(Set(places).count == slots.placeCount)
        for number in numbers {
            #expect(slots.find(key(number), 0xFFFF_FF00) == places[Int(number)])
        }
        #expect(slots.find(key(1000), 0xFFFF_FF00) == nil)
        for number in numbers where number % 3 != 0 { slots.remove(places[Int(number)]) }
        for number in numbers {
            let place = slots.find(key(number), 0xFFFF_FF00)
            #expect(place == (number % 3 == 0 ? places[Int(number)] : nil))
        }
    }

    @Test("more keys than a group can count as gone past are found all the same")
    func manyPassed() {
        var slots = SessionSlots(groupCount: 40)
        let numbers = 0..<600 as Range<UInt32>
        let places = numbers.map { slots.insert(entry($0, hash: 7)) }
        for number in 0..<590 { slots.remove(places[number]) }
        for number in numbers {
            #expect(slots.find(key(number), 7) == (number < 590 ? nil : places[Int(number)]))
        }
    }

    @Test("a full table has most keys in the group where the search begins")
    func shortSearches() {
        var slots = SessionSlots(groupCount: 1000)
        var first = 0
        for number in 0... as PartialRangeFrom<UInt32> {
            if slots.isFull { break }
            let hash = hash(number)
            let group = UInt64(slots.insert(entry(number, hash: hash))) / 15
            if group == (UInt64(hash) * 1000) >> 32 { first += 1 }
        }
        #expect(slots.count == 14_000)
        #expect(first * 10 > slots.count * 7)
    }

    @Test("a million sessions fit into 100 MB, however far they are from the next growth")
    func memory() {
        #expect(MemoryLayout<SessionEntry>.size <= SessionEntries.byteCountOfEach)
        var slots = SessionSlots(groupCount: 100)
        for number in 0... as PartialRangeFrom<UInt32> {
            if slots.isFull { break }
            _ = slots.insert(entry(number, hash: hash(number)))
        }
        // After the growth there is a quarter more places; a byte or two more for each.
        let byteCount = slots.placeCount * 5 / 4 * (SessionEntries.byteCountOfEach + 2)
        #expect(byteCount / slots.count < 100)
    }
}
