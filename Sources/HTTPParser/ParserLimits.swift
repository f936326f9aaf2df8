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

    public init(headBytesMax: Int, targetBytesMax: Int, fieldCountMax: Int) {
        self.headBytesMax = headBytesMax
        self.targetBytesMax = targetBytesMax
        self.fieldCountMax = min(fieldCountMax, FieldSection.capacityMax)
    }
}
