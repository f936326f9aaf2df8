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
    @usableFromInline
    internal var fields: [Field] = []
    /// Position of the first field of each known name, or `absent`.
    @usableFromInline
    internal var firstPositions = InlineArray<32, UInt8>(repeating: FieldSection.absent)

    /// One bit for each known name that more than one field has.
    @usableFromInline
    internal var repeatedNames: UInt32 = 0

    @usableFromInline
    internal static var absent: UInt8 { 0xFF }

    /// The most fields one section can hold: positions are bytes and one value means "absent".
    public static var capacityMax: Int { 254 }

    public init() {
        precondition(FieldName.allCases.count <= 32)
        fields.reserveCapacity(64)
    }

    @inlinable
    public var count: Int { fields.count }

    @inlinable
    public subscript(position: Int) -> Field { fields[position] }

    /// The first field of a known name; `.other` has none.
    @inlinable
    public func first(_ name: FieldName) -> Field? {
        let position = firstPositions[Int(name.rawValue)]
        return position == FieldSection.absent ? nil : fields[Int(position)]
    }

    @inlinable
    public func contains(_ name: FieldName) -> Bool {
        firstPositions[Int(name.rawValue)] != FieldSection.absent
    }

    /// Whether more than one field has this known name; never said of `.other`.
    @inlinable
    public func isRepeated(_ name: FieldName) -> Bool {
        repeatedNames &>> UInt32(name.rawValue) & 1 != 0
    }

    /// The position of the first field of a known name that is not before `position`, for lists
    /// that span lines; nil when there is none, and for `.other`.
    @inlinable
    public func position(of name: FieldName, from position: Int = 0) -> Int? {
        let first = firstPositions[Int(name.rawValue)]
        guard first != FieldSection.absent else { return nil }
        var candidate = max(position, Int(first))
        while candidate < fields.count {
            if fields[candidate].known == name { return candidate }
            candidate += 1
        }
        return nil
    }

    /// Adds a field. The caller has tested the count against `ParserLimits.fieldCountMax`.
    @inlinable
    public mutating func append(_ field: Field) {
        precondition(fields.count < FieldSection.capacityMax)
        if field.known != .other {
            if firstPositions[Int(field.known.rawValue)] == FieldSection.absent {
                firstPositions[Int(field.known.rawValue)] = UInt8(truncatingIfNeeded: fields.count)
            } else {
                repeatedNames |= 1 &<< UInt32(field.known.rawValue)
            }
        }
        fields.append(field)
    }

    /// Forgets the fields and keeps the memory.
    @inlinable
    public mutating func removeAll() {
        fields.removeAll(keepingCapacity: true)
        firstPositions = InlineArray(repeating: FieldSection.absent)
        repeatedNames = 0
    }
}
