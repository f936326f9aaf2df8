/// What one message head and its framing may cost.
public struct ParserLimits: Sendable, Equatable {
    /// Bytes of a head with its final empty line. 32 KiB: four times the largest head seen in
    /// practice; cookies are the usual cause of more.
    public var headBytesMax = 32 * 1024
    /// Bytes of a request target.
    public var targetBytesMax = 16 * 1024
    /// Field lines of a head. At most `FieldSection.capacityMax`.
    public var fieldCountMax = 128

    public init() {}

    /// Takes what is out of bounds as the nearest bound.
    public init(headBytesMax: Int, targetBytesMax: Int, fieldCountMax: Int) {
        // Offsets into a head have 32 bits.
        self.headBytesMax = ParserLimits.clamp(headBytesMax, to: 1 << 30)
        self.targetBytesMax = ParserLimits.clamp(targetBytesMax, to: 1 << 30)
        self.fieldCountMax = ParserLimits.clamp(fieldCountMax, to: FieldSection.capacityMax)
    }

    /// These limits within their bounds: what a parser holds to, whatever has been assigned.
    internal var clamped: ParserLimits {
        ParserLimits(
            headBytesMax: headBytesMax, targetBytesMax: targetBytesMax, fieldCountMax: fieldCountMax
        )
    }

    private static func clamp(_ value: Int, to upper: Int) -> Int {
        min(max(value, 0), upper)
    }
}
