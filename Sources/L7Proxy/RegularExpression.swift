import CPCRE2
import ProxyCore
import StickyPolicy
import Synchronization

/// A Perl-compatible regular expression, compiled once and searched for by all event loops; the
/// only file that knows PCRE2.
///
/// Hostile text can make such a search take for ever: it is given up after a number of steps, and
/// counts as failed.
@safe
final class RegularExpression: PatternMatcher {
    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    // SAFETY: compiled code is only read after `init`, and PCRE2 allows any number of threads to do
    // so at once; freed in `deinit`.
    private nonisolated(unsafe) let code: OpaquePointer
    // SAFETY: as `code`: the limits are set in `init`.
    private nonisolated(unsafe) let limits: OpaquePointer

    /// 100,000: some milliseconds, and far more than a sound pattern needs for a field value.
    private static let stepsMax: UInt32 = 100_000
    /// KiB. A group that is repeated for each byte of the longest path needs a third of it; what
    /// most patterns take is nearly nothing.
    private static let memoryMax: UInt32 = 16 * 1024

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
        guard let compiled = unsafe compiled, let limits = unsafe pcre2_match_context_create_8(nil)
        else { throw Malformed(description: RegularExpression.message(fault, at: offset)) }
        unsafe pcre2_set_match_limit_8(limits, RegularExpression.stepsMax)
        unsafe pcre2_set_heap_limit_8(limits, RegularExpression.memoryMax)
        unsafe code = compiled
        unsafe self.limits = limits
    }

    deinit {
        // SAFETY: made in `init`, and nobody searches any more.
        unsafe pcre2_code_free_8(code)
        unsafe pcre2_match_context_free_8(limits)
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

    func matches(_ text: Span<UInt8>) -> Bool? {
        // SAFETY: the memory of a search is its own; the span's memory is read within its count.
        guard let found = unsafe pcre2_match_data_create_8(1, nil) else { return nil }
        defer { unsafe pcre2_match_data_free_8(found) }
        let result = unsafe text.withUnsafeBytes { bytes in
            unsafe pcre2_match_8(
                code, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, 0, 0, found,
                limits)
        }
        if result == PCRE2_ERROR_NOMATCH { return false }
        // 0: there were more groups than room for them, which nobody asked for.
        if result >= 0 { return true }
        RegularExpression.givenUp.wrappingAdd(1, ordering: .relaxed)
        return nil
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

extension RouteTable {
    /// The table of these routes, with patterns as ingress-nginx reads them: from the first byte of
    /// the path, in any case.
    convenience init(compiling routes: [Route]) {
        self.init(routes) {
            // The file's reader has compiled it before; what fails here all the same never matches.
            try? RegularExpression($0, options: PCRE2_ANCHORED | PCRE2_CASELESS)
        }
    }
}
