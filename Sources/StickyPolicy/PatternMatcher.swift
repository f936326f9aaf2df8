/// A regular expression that was compiled when the configuration was loaded.
public protocol PatternMatcher: Sendable {
    /// Whether the pattern is found in `text`; nil when the search was given up, because it took
    /// more steps than are left.
    func matches(_ text: Span<UInt8>, within budget: inout SearchBudget) -> Bool?

    /// What the groups of the pattern stand for in a text; nil for one that it does not match.
    func groups(of text: Span<UInt8>) -> PatternGroups?
}

/// Where in a text the groups 1...9 of a pattern were found.
public struct PatternGroups: Sendable {
    private var ranges = InlineArray<9, Range<Int>>(repeating: 0..<0)

    public init() {}

    /// Empty for a group that took no part.
    public subscript(group: Int) -> Range<Int> {
        get { ranges[group - 1] }
        set { ranges[group - 1] = newValue }
    }
}

extension PatternMatcher {
    /// The same for a search that is the only one of its kind for a request.
    public func matches(_ text: Span<UInt8>) -> Bool? {
        var budget = SearchBudget()
        return matches(text, within: &budget)
    }
}

/// The steps that all searches for one request may take together: hostile text that makes each of
/// forty patterns as slow as it may be must not cost forty times as much.
public struct SearchBudget: Sendable {
    /// Steps that are left. 110,000 are some ten milliseconds.
    public private(set) var steps: UInt32 = 110_000

    public init() {}

    /// False when there are not so many left; then none are taken.
    public mutating func spend(_ count: UInt32) -> Bool {
        guard count <= steps else { return false }
        steps -= count
        return true
    }
}
