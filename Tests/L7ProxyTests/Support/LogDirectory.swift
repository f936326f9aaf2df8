import Glibc

/// A directory of its own for a test that writes files; it goes with all that is in it.
final class LogDirectory: Sendable {
    let path: String

    // SAFETY, here and below: C functions that read a path do so for the length of the call, for
    // which the language lends them the string.

    init() throws {
        var template = Array("/tmp/l7proxy-test-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw WireError.failed(call: "mkdtemp", code: errno)
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        let names = [
            "access.log", "access.log.1", "other.log", "routes.yaml", "a.crt", "a.key",
        ]
        for name in names { unsafe unlink(path + "/" + name) }
        unsafe rmdir(path)
    }

    /// Writes a file of one of the names that the end of the test removes.
    func write(_ text: String, to name: String) throws {
        let file = unsafe open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard file >= 0 else { throw WireError.failed(call: "open", code: errno) }
        defer { close(file) }
        // SAFETY: the string's own bytes and their count, for the length of the call.
        guard unsafe Glibc.write(file, text, text.utf8.count) == text.utf8.count else {
            throw WireError.failed(call: "write", code: errno)
        }
    }

    var log: String { path + "/access.log" }

    /// Makes a named pipe in the place of the log.
    func makePipe() throws {
        guard unsafe mkfifo(log, 0o600) == 0 else {
            throw WireError.failed(call: "mkfifo", code: errno)
        }
    }

    /// Opens the log for reading, without a wait for a writer. The caller closes it.
    func openReader() throws -> Int32 {
        let reader = unsafe open(log, O_RDONLY | O_NONBLOCK)
        guard reader >= 0 else { throw WireError.failed(call: "open", code: errno) }
        return reader
    }

    /// Renames the log as `logrotate` does.
    func rotate() {
        unsafe rename(log, log + ".1")
    }

    func remove() {
        unsafe unlink(log)
    }

    var hasLog: Bool { unsafe access(log, F_OK) == 0 }

    /// The lines of a file, as far as they are whole.
    func lines(of name: String = "access.log") -> [String] {
        let file = unsafe open(path + "/" + name, O_RDONLY)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var bytes: [UInt8] = []
        var space = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            // SAFETY: the array's own memory and count, for the length of the call.
            let count = unsafe space.withUnsafeMutableBytes { space in
                unsafe read(file, space.baseAddress, space.count)
            }
            if count <= 0 { break }
            bytes += space[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// The lines, once there are so many.
    func wait(for count: Int, in name: String = "access.log") throws(WireError) -> [String] {
        let end = ContinuousClock.now + Wire.patience
        while ContinuousClock.now < end {
            let lines = lines(of: name)
            if lines.count >= count { return lines }
            usleep(1_000)
        }
        throw .late(waitingFor: "\(count) lines", received: "\(lines(of: name))")
    }
}
