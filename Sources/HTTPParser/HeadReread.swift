/// Decides when a head that was incomplete is worth reading again.
///
/// A head is read whole and from its first byte: reading it twice costs less than a state machine
/// that can stop anywhere. Reading it again for every byte that arrives would be quadratic, so it
/// is done only when the answer can be another one: a line may have ended, or a limit been passed.
/// As lines are limited in number, so are the readings.
internal enum HeadReread {
    /// The first bytes, as many as the longest method takes, are read each time they grow, so that
    /// garbage, such as the hello of TLS, is refused at once.
    private static let eagerByteCount = 36

    /// `startLineMax`: the bytes in which a start line must have ended or is refused.
    @inline(__always)
    static func isDue(
        _ bytes: Span<UInt8>, scannedCount: Int, startLineMax: Int, headBytesMax: Int
    ) -> Bool {
        if scannedCount < eagerByteCount || scannedCount > bytes.count { return true }
        if bytes.count >= headBytesMax { return true }
        if scannedCount < startLineMax, bytes.count >= startLineMax { return true }
        return bytes.containsLineFeed(from: scannedCount)
    }
}
