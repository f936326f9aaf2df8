/// A regular expression that was compiled when the configuration was loaded.
public protocol PatternMatcher: Sendable {
    /// Whether the pattern is found in `text`; nil when the search was given up, because it took
    /// more steps than it may.
    func matches(_ text: Span<UInt8>) -> Bool?
}
