import HTTPParser
import Testing

@Suite("Field sections")
struct FieldSectionTests {
    private func field(_ known: FieldName, at offset: Int) -> Field {
        Field(
            name: ByteRange(offset, offset + 1), value: ByteRange(offset + 2, offset + 3),
            lineEnd: offset + 5, known: known)
    }

    private func section(_ names: [FieldName]) -> FieldSection {
        var section = FieldSection()
        for (position, name) in names.enumerated() { section.append(field(name, at: position * 5)) }
        return section
    }

    @Test("the first field of a name is found, and whether there are more")
    func firstFields() {
        let section = section([.other, .host, .cookie, .other, .cookie])
        #expect(section.count == 5)
        #expect(section.first(.host) == section[1])
        #expect(section.first(.cookie) == section[2])
        #expect(section.first(.date) == nil)
        #expect(section.first(.other) == nil)
        #expect(section.contains(.host) && !section.contains(.date) && !section.contains(.other))
        #expect(section.isRepeated(.cookie))
        #expect(!section.isRepeated(.host) && !section.isRepeated(.date))
        #expect(!section.isRepeated(.other))
    }

    @Test("fields of one name are walked in order")
    func positions() {
        let section = section([.cookie, .host, .cookie, .other, .cookie])
        #expect(section.position(of: .cookie) == 0)
        #expect(section.position(of: .cookie, from: 0) == 0)
        #expect(section.position(of: .cookie, from: 1) == 2)
        #expect(section.position(of: .cookie, from: 2) == 2)
        #expect(section.position(of: .cookie, from: 3) == 4)
        #expect(section.position(of: .cookie, from: 5) == nil)
        #expect(section.position(of: .host, from: 1) == 1)
        #expect(section.position(of: .host, from: 2) == nil)
        #expect(section.position(of: .date) == nil)
        #expect(section.position(of: .other) == nil)
    }

    @Test("every known name is counted for itself")
    func everyName() {
        for name in FieldName.allCases where name != .other {
            var section = section([.other, name])
            #expect(section.first(name) == section[1])
            #expect(!section.isRepeated(name))
            section.append(field(name, at: 100))
            #expect(section.isRepeated(name))
            for other in FieldName.allCases where other != name {
                #expect(!section.contains(other) && !section.isRepeated(other))
            }
        }
    }

    @Test("a section takes as many fields as it says it does")
    func capacity() {
        var section = FieldSection()
        for position in 0..<FieldSection.capacityMax {
            section.append(field(.other, at: position))
        }
        #expect(section.count == 254)
        #expect((0..<254).allSatisfy { section[$0] == field(.other, at: $0) })
    }

    @Test("the last field a section can hold is found by its name")
    func lastPosition() {
        let names = Array(repeating: FieldName.other, count: 253) + [.host]
        #expect(section(names).position(of: .host) == 253)
    }

    @Test("emptying a section forgets names and repetitions")
    func removeAll() {
        var section = section([.host, .host, .cookie])
        section.removeAll()
        #expect(section.count == 0)
        #expect(!section.contains(.host) && !section.isRepeated(.host))
        #expect(section.position(of: .cookie) == nil)
        section.append(field(.cookie, at: 0))
        #expect(section.first(.cookie) == field(.cookie, at: 0))
        #expect(!section.isRepeated(.cookie))
    }

    @Test("a copy does not change with its original")
    func copies() {
        var original = section([.host])
        let copy = original
        original.removeAll()
        original.append(field(.cookie, at: 50))
        #expect(copy.count == 1)
        #expect(copy[0] == field(.host, at: 0))
    }
}
