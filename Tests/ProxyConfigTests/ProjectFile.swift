import Glibc

private struct Unreadable: Error {}

/// The bytes of a file of the project, by its path from the root.
func projectFile(_ name: String) throws -> [UInt8] {
    let path = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/" + name
    // SAFETY: the path is ended by a zero byte for the time of the call.
    let descriptor = unsafe open(path, O_RDONLY)
    guard descriptor >= 0 else { throw Unreadable() }
    defer { close(descriptor) }
    var text: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
        // SAFETY: the array has room for its own count.
        let count = unsafe piece.withUnsafeMutableBytes { buffer in
            unsafe read(descriptor, buffer.baseAddress, buffer.count)
        }
        guard count > 0 else { return text }
        text += piece[..<count]
    }
}
