internal import CLinux
internal import Glibc

/// The memory of the process as the kernel counts it.
package struct ProcessMemory {
    /// `/proc/self/statm`, open: reading it again needs no descriptor when those have run out.
    private let descriptor: Int32

    package init() {
        descriptor = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    }

    package func close() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
    }

    /// Bytes that are resident; nil where the kernel does not say.
    package func residentByteCount() -> UInt64? {
        guard descriptor >= 0 else { return nil }
        var text = [UInt8](repeating: 0, count: 128)
        // SAFETY: the array's own memory and count, for the length of the call.
        let count = unsafe text.withUnsafeMutableBytes { space in
            unsafe pread(descriptor, space.baseAddress, space.count, 0)
        }
        guard count > 0 else { return nil }
        // proc(5): the second number is the resident set in pages.
        let words = text[..<count].split(separator: UInt8(ascii: " "))
        guard words.count > 1 else { return nil }
        return UInt64(String(decoding: words[1], as: UTF8.self)).map {
            $0 * UInt64(sysconf(Int32(_SC_PAGESIZE)))
        }
    }

    /// Gives the kernel back what the allocator keeps for later.
    package static func trim() {
        clinux_memory_trim()
    }
}
