import CPCRE2
import Glibc
import ProxyCore
import StickyPolicy
import Synchronization

/// A Perl-compatible regular expression, compiled once and searched for by all event loops; the
/// only file that knows PCRE2.
///
/// Hostile text can make such a search take for ever: it is given up after a number of steps, and
/// counts as failed. PCRE2 does not say how many a search took, so it begins with few, which sound
/// patterns need no more of, and is repeated with ten times as many while there are so many left.
@safe
final class RegularExpression: PatternMatcher {
    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    // SAFETY: compiled code is only read after `init`, and PCRE2 allows any number of threads to do
    // so at once; freed in `deinit`.
    private nonisolated(unsafe) let code: OpaquePointer

    /// Steps of the first search, which costs nothing of the budget, of the second and the third:
    /// 100,000 are some ten milliseconds.
    private static let ladder = [SearchLimits(1_000), SearchLimits(10_000), SearchLimits(100_000)]
    /// KiB. A group that is repeated for each byte of the longest path needs a third of it; what
    /// most patterns take is nearly nothing.
    fileprivate static let memoryMax: UInt32 = 16 * 1024

    /// Searches of this process that were given up, which routes and canaries then count as failed.
    static var givenUpCount: Int { givenUp.load(ordering: .relaxed) }

    private static let givenUp = Atomic<Int>(0)

    /// - Parameter options: PCRE2's own.
    init(_ pattern: String, options: UInt32 = 0) throws(Malformed) {
        var fault: CInt = 0
        var offset = 0
        let bytes = Array(pattern.utf8)
        // SAFETY: the array's own memory and count; the results are local variables.
        let compiled = unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe pcre2_compile_8(
                bytes.baseAddress, bytes.count, options, &fault, &offset, nil)
        }
        guard let compiled = unsafe compiled else {
            throw Malformed(description: RegularExpression.message(fault, at: offset))
        }
        unsafe code = compiled
    }

    deinit {
        // SAFETY: made in `init`, and nobody searches any more.
        unsafe pcre2_code_free_8(code)
    }

    /// A pattern that is a route's path, as ingress-nginx reads it: from the path's first byte on,
    /// in any case. Nil for one that is malformed, which the file's reader has reported.
    static func path(_ pattern: String) -> RegularExpression? {
        try? RegularExpression(pattern, options: PCRE2_ANCHORED | PCRE2_CASELESS)
    }

    /// What is wrong with a pattern; nil when it can be compiled.
    static func fault(in pattern: String) -> String? {
        do throws(Malformed) {
            _ = try RegularExpression(pattern)
            return nil
        } catch {
            return error.description
        }
    }

    func matches(_ text: Span<UInt8>, within budget: inout SearchBudget) -> Bool? {
        for (rung, limits) in RegularExpression.ladder.enumerated() {
            guard rung == 0 || budget.spend(limits.steps) else { break }
            let result = search(text, limits)
            // What a long search took of memory is not kept.
            if rung > 0 || result < PCRE2_ERROR_NOMATCH { SearchMemory.giveBack() }
            if result == PCRE2_ERROR_NOMATCH { return false }
            // 0: there were more groups than room for them.
            if result >= 0 { return true }
            guard result == PCRE2_ERROR_MATCHLIMIT else { break }
        }
        RegularExpression.givenUp.wrappingAdd(1, ordering: .relaxed)
        return nil
    }

    /// What led here has found it within the limits of the request, and once more is all that it
    /// costs.
    func groups(of text: Span<UInt8>) -> PatternGroups? {
        for (rung, limits) in RegularExpression.ladder.enumerated() {
            let result = search(text, limits)
            let groups = result >= 0 ? found(result, in: text) : nil
            if rung > 0 || result < PCRE2_ERROR_NOMATCH { SearchMemory.giveBack() }
            if result != PCRE2_ERROR_MATCHLIMIT { return groups }
        }
        return nil
    }

    /// The groups that the search just made has found.
    private func found(_ result: CInt, in text: Span<UInt8>) -> PatternGroups {
        var groups = PatternGroups()
        guard let found = unsafe SearchMemory.ofThisThread() else { return groups }
        // 0: there were more groups than room for them.
        let count = result == 0 ? SearchMemory.pairCount : Int(result)
        // SAFETY: `count` pairs of offsets were written by this thread's search; those of a group
        // that took no part are PCRE2_UNSET, which is -1 here.
        let offsets = unsafe pcre2_get_ovector_pointer_8(found)
        for group in 1..<max(count, 1) {
            guard let start = unsafe offsets?[2 * group], let end = unsafe offsets?[2 * group + 1],
                start >= 0, start <= end, end <= text.count
            else { continue }
            groups[group] = start..<end
        }
        return groups
    }

    private func search(_ text: Span<UInt8>, _ limits: SearchLimits) -> CInt {
        // SAFETY: the memory is this thread's, and used by nothing else during the call; the span
        // is read within its count.
        guard let found = unsafe SearchMemory.ofThisThread() else { return PCRE2_ERROR_NOMEMORY }
        return unsafe text.withUnsafeBytes { bytes in
            unsafe pcre2_match_8(
                code, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, 0, 0, found,
                limits.context)
        }
    }

    private static func message(_ code: CInt, at offset: Int) -> String {
        var text = [UInt8](repeating: 0, count: 120)
        // SAFETY: the array's own memory and count.
        let length = unsafe text.withUnsafeMutableBufferPointer { text in
            unsafe pcre2_get_error_message_8(code, text.baseAddress, text.count)
        }
        let message = String(decoding: text.prefix(max(0, Int(length))), as: UTF8.self)
        return "\(message) at offset \(offset)"
    }
}

/// How far a search may go, of any pattern.
@safe
private final class SearchLimits: Sendable {
    let steps: UInt32
    // SAFETY: only read after `init`, which PCRE2 allows any number of threads at once. Never
    // freed: there are three in the process.
    nonisolated(unsafe) let context: OpaquePointer?

    init(_ steps: UInt32) {
        self.steps = steps
        unsafe context = pcre2_match_context_create_8(nil)
        unsafe pcre2_set_match_limit_8(context, steps)
        unsafe pcre2_set_heap_limit_8(context, RegularExpression.memoryMax)
    }
}

/// What a search works in, 20 KB and more: each thread has one, and keeps it.
private enum SearchMemory {
    /// Ranges that a search tells: of all that matched, and of nine groups.
    static let pairCount = 10

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        // SAFETY: a local variable; at a thread's end its memory is freed by whom it came from.
        unsafe pthread_key_create(&key) { unsafe pcre2_match_data_free_8(OpaquePointer($0)) }
        return key
    }()

    /// Nil when there is no memory.
    @unsafe
    static func ofThisThread() -> OpaquePointer? {
        if let known = unsafe pthread_getspecific(key) { return OpaquePointer(known) }
        guard let made = unsafe pcre2_match_data_create_8(UInt32(pairCount), nil) else {
            return nil
        }
        unsafe pthread_setspecific(key, UnsafeRawPointer(made))
        return unsafe made
    }

    static func giveBack() {
        // SAFETY: no search of this thread is under way, and the next one finds none.
        unsafe pcre2_match_data_free_8(pthread_getspecific(key).map { OpaquePointer($0) })
        pthread_setspecific(key, nil)
    }
}

extension RouteTable {
    /// The table of these routes, patterns included.
    convenience init(compiling routes: [Route]) {
        self.init(routes) { RegularExpression.path($0) }
    }
}
