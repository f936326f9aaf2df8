/// One field line: where its name and value are, and which name it is.
@frozen
public struct Field: Equatable, Sendable {
    public var name: ByteRange
    /// Without the white space around it (RFC 9112 §5.1).
    public var value: ByteRange
    /// One past the CRLF: `name.start..<lineEnd` is the whole line, as it may be copied.
    public var lineEnd: UInt32
    public var known: FieldName

    @inlinable
    public init(name: ByteRange, value: ByteRange, lineEnd: Int, known: FieldName) {
        self.name = name
        self.value = value
        self.lineEnd = UInt32(truncatingIfNeeded: lineEnd)
        self.known = known
    }

    /// The whole line with its CRLF.
    @inlinable
    public var line: ByteRange { ByteRange(Int(name.start), Int(lineEnd)) }
}

/// The field lines of one head in the order of arrival.
///
/// Made to be reused: `removeAll` keeps the memory, so a steady stream of heads allocates nothing.
public struct FieldSection: Sendable {
    /// The first `count` are the fields; the others are stale and never shown.
    @usableFromInline
    internal var slots: [Field]
    /// Apart from the slots, so that one can be changed while the other is being filled.
    @usableFromInline
    internal var names = FieldNameIndex()

    @inlinable
    public var count: Int { names.count }

    /// The most fields one section can hold: positions are bytes and one value means "absent".
    public static var capacityMax: Int { 254 }

    public init() {
        precondition(FieldName.allCases.count <= 32)
        slots = FieldSection.blanks
    }

    /// Room for more fields than nearly all heads have; more is made as it is needed.
    private static var blanks: [Field] {
        Array(repeating: Field(name: .empty, value: .empty, lineEnd: 0, known: .other), count: 32)
    }

    @inlinable
    public subscript(position: Int) -> Field {
        precondition(position < count)
        return slots[position]
    }

    /// The first field of a known name; `.other` has none.
    @inlinable
    public func first(_ name: FieldName) -> Field? {
        let position = names.firstPositions[Int(name.rawValue)]
        return position == FieldNameIndex.absent ? nil : slots[Int(position)]
    }

    @inlinable
    public func contains(_ name: FieldName) -> Bool {
        names.firstPositions[Int(name.rawValue)] != FieldNameIndex.absent
    }

    /// Whether more than one field has this known name; never said of `.other`.
    @inlinable
    public func isRepeated(_ name: FieldName) -> Bool {
        names.repeated &>> UInt32(name.rawValue) & 1 != 0
    }

    /// The position of the first field of a known name that is not before `position`, for lists
    /// that span lines; nil when there is none, and for `.other`.
    @inlinable
    public func position(of name: FieldName, from position: Int = 0) -> Int? {
        let first = names.firstPositions[Int(name.rawValue)]
        guard first != FieldNameIndex.absent else { return nil }
        guard position > Int(first) else { return Int(first) }
        guard isRepeated(name) else { return nil }
        var candidate = position
        while candidate < count {
            if slots[candidate].known == name { return candidate }
            candidate += 1
        }
        return nil
    }

    /// Adds a field. The caller has tested the count against `ParserLimits.fieldCountMax`.
    public mutating func append(_ field: Field) {
        if count == slots.count { grow() }
        slots[count] = field
        names.append(field.known)
    }

    @inline(never)
    internal mutating func grow() {
        slots += FieldSection.blanks
    }

    /// Forgets the fields and keeps the memory.
    public mutating func removeAll() {
        names = FieldNameIndex()
    }
}

/// Where in a section each known name is.
@usableFromInline
internal struct FieldNameIndex: Sendable {
    @usableFromInline
    internal var count = 0
    /// Position of the first field of each known name, or `absent`.
    @usableFromInline
    internal var firstPositions = InlineArray<32, UInt8>(repeating: FieldNameIndex.absent)
    /// One bit for each known name that more than one field has.
    @usableFromInline
    internal var repeated: UInt32 = 0

    @usableFromInline
    internal static var absent: UInt8 { 0xFF }

    init() {}

    /// The name of the next field.
    @inline(__always)
    internal mutating func append(_ name: FieldName) {
        precondition(count < FieldSection.capacityMax)
        if name != .other {
            if firstPositions[Int(name.rawValue)] == FieldNameIndex.absent {
                firstPositions[Int(name.rawValue)] = UInt8(truncatingIfNeeded: count)
            } else {
                repeated |= 1 &<< UInt32(name.rawValue)
            }
        }
        count &+= 1
    }
}
