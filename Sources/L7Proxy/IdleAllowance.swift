/// How many idle connections to backends one worker keeps: descriptors are for clients first.
final class IdleAllowance {
    /// In all pools.
    var count = 0
    var most = Int.max
    /// Closes the oldest of the pool that has most; nil where there is none.
    var closeOne: (() -> Void)?

    /// Counts one more in. Where as many are kept as may be, another is closed first.
    ///
    /// - Returns: false where none may be kept.
    func takesOneMore() -> Bool {
        if count >= most {
            guard most > 0 else { return false }
            closeOne?()
        }
        count += 1
        return true
    }
}
