import Glibc
import Logging

/// A file with the number of the process that serves, for `l7proxy upgrade` and service managers.
///
/// It is replaced as a whole, so that nobody reads half a number. A new file with the old number
/// says that a replacement was tried and came to nothing.
struct PIDFile {
    let path: String

    func write(_ log: Logger) {
        let fresh = "\(path).\(getpid())"
        let text = Array("\(getpid())\n".utf8)
        // SAFETY: the strings and the array are lent for the time of the calls.
        let descriptor = unsafe open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return fail(log) }
        defer { close(descriptor) }
        guard unsafe Glibc.write(descriptor, text, text.count) == text.count,
            unsafe rename(fresh, path) == 0
        else {
            fail(log)
            unsafe unlink(fresh)
            return
        }
    }

    private func fail(_ log: Logger) {
        log.warning("cannot write \(path): \(ConfigurationFiles.describeError(errno))")
    }

    /// Nil while there is none, or nothing that is a process.
    var process: Int32? {
        guard let bytes = try? ConfigurationFiles.bytes(ofFile: path),
            let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first,
            let process = Int32(line), process > 0
        else { return nil }
        return process
    }

    /// Removes it, unless it names another process by now.
    func remove() {
        // SAFETY: the string is lent for the time of the call.
        if process == getpid() { _ = unsafe unlink(path) }
    }
}
