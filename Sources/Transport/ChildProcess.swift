internal import CLinux
internal import Glibc

/// A program that this process has started.
package struct ChildProcess: Sendable {
    package let id: Int32

    /// Starts a program, with more descriptors than the standard ones.
    ///
    /// - Parameters:
    ///   - arguments: the program's name first, which is looked up in PATH unless it has a slash.
    ///   - variable: `NAME=value`, added to the environment.
    ///   - removed: beginnings of variables that the program does not get, as `NAME=`.
    ///   - passing: descriptors that it gets, under the same numbers.
    package static func start(
        _ arguments: [String], variable: String, removed: [String], passing: [Int32]
    ) throws(SystemError) -> ChildProcess {
        // SAFETY: the lists and their strings are copies of ours until the call is over.
        let words = unsafe CStrings(arguments)
        let others = unsafe CStrings(removed)
        let id = unsafe words.list.withUnsafeBufferPointer { words in
            unsafe others.list.withUnsafeBufferPointer { others in
                unsafe others.baseAddress.unsafelyUnwrapped.withMemoryRebound(
                    to: UnsafePointer<CChar>?.self, capacity: others.count
                ) { others in
                    unsafe clinux_spawn(
                        words.baseAddress, others, variable, passing, Int32(passing.count))
                }
            }
        }
        guard id > 0 else { throw .last("posix_spawn") }
        return ChildProcess(id: id)
    }

    /// Ends it at once.
    package func kill() {
        _ = Glibc.kill(id, SIGKILL)
    }

    /// Waits until it has ended. To be called once; never for one that is to outlive this process.
    package func wait() {
        while waitpid(id, nil, 0) < 0 && errno == EINTR {}
    }
}

/// Strings as C wants lists of them: terminated, and with NULL at the end.
@unsafe
private struct CStrings: ~Copyable {
    let list: [UnsafeMutablePointer<CChar>?]

    init(_ strings: [String]) {
        unsafe list = strings.map { unsafe strdup($0) } + [nil]
    }

    deinit {
        // SAFETY: each was made by strdup and is freed once.
        for index in unsafe list.indices { unsafe free(list[index]) }
    }
}
