import Testing

@testable import ProxyCore

@Suite("The table of byte keys")
struct ByteKeyedTableTests {
    @Test(
        "keys around the length of a word are found whole, and only whole",
        arguments: [0, 1, 7, 8, 9, 15, 16, 17, 31])
    func lengths(count: Int) {
        let key = (0..<count).map { UInt8($0 % 26) + UInt8(ascii: "a") }
        let table = self.table([key])
        #expect(find(key, in: table) == 0)
        #expect(find(key + [0], in: table) == nil)
        for position in key.indices {
            var other = key
            other[position] ^= 1
            #expect(find(other, in: table) == nil)
        }
        if count > 0 { #expect(find(Array(key.dropLast()), in: table) == nil) }
    }

    @Test("letters of either case are the same, and nothing else is", arguments: [1, 11])
    func cases(count: Int) {
        for byte in UInt8.min...UInt8.max {
            let isCapital = (0x41...0x5A).contains(byte)
            let stored = [UInt8](repeating: isCapital ? byte + 0x20 : byte, count: count)
            let table = self.table([stored])
            for asked in UInt8.min...UInt8.max {
                let folded = (0x41...0x5A).contains(asked) ? asked + 0x20 : asked
                let key = [UInt8](repeating: asked, count: count)
                let found = table.findIgnoringCase(key.span, salt: 1)
                #expect(found == (folded == stored[0] ? 0 : nil))
            }
        }
    }

    @Test("of two values for one key the first stays, and other salts are other keys")
    func firstWins() {
        var table = self.table([[0x61], [0x61]])
        #expect(find([0x61], in: table) == 0)
        let other = ByteKeyedTable.Hash(of: [0x61].span, salt: 2)
        #expect(table.find([0x61].span, hash: other) == nil)
        table.insert([0x61].span, hash: other, value: 7)
        #expect(table.find([0x61].span, hash: other) == 7)
    }

    @Test("a table that grew has all that it had")
    func growth() {
        let keys = (0..<1000).map { Array("host-\($0).test".utf8) }
        let table = self.table(keys)
        for (position, key) in keys.enumerated() { #expect(find(key, in: table) == position) }
    }

    private func table(_ keys: [[UInt8]]) -> ByteKeyedTable {
        var table = ByteKeyedTable(capacity: 1)
        for (position, key) in keys.enumerated() {
            table.insert(
                key.span, hash: ByteKeyedTable.Hash(of: key.span, salt: 1), value: position)
        }
        return table
    }

    private func find(_ key: [UInt8], in table: ByteKeyedTable) -> Int? {
        table.find(key.span, hash: ByteKeyedTable.Hash(of: key.span, salt: 1))
    }
}
