import CLinux
import Glibc

/// Notices that something in some directories may have changed. What it was, the owner finds out
/// by looking: editors replace files, and mounted ConfigMaps swap a link, in many steps.
package struct DirectoryWatch: ~Copyable {
    private let descriptor: Int32

    /// Directories that are not there are left out.
    package init(_ directories: [String]) throws(SystemError) {
        descriptor = clinux_watch_create()
        guard descriptor >= 0 else { throw .last("inotify_init1") }
        for directory in directories {
            // SAFETY: the string is lent for the time of the call.
            _ = unsafe clinux_watch_add(descriptor, directory)
        }
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// Waits for a change; false when there was none in that time. Nil waits as long as it takes.
    package func wait(atMost limit: Duration?) -> Bool {
        let milliseconds = limit.map { Int32(clamping: $0.wholeNanoseconds / 1_000_000) } ?? -1
        var question = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // SAFETY: one local structure, for the time of the call.
        guard unsafe poll(&question, 1, milliseconds) > 0 else { return false }
        forgetEvents()
        return true
    }

    private func forgetEvents() {
        var space = [UInt8](repeating: 0, count: 4_096)
        // SAFETY: the array's own memory and count, for the time of each call.
        while unsafe read(descriptor, &space, space.count) > 0 {}
    }
}
