import Glibc
import ProxyConfig

/// Reads what `--config` names: a file, a directory of `*.yaml` and `*.yml`, or `-`.
enum ConfigurationFiles {
    struct Unreadable: Error, CustomStringConvertible {
        let description: String

        init(path: String, reason: String) {
            description = "cannot read \(path): \(reason)"
        }

        init(path: String, code: Int32) {
            self.init(path: path, reason: describeError(code))
        }
    }

    /// 256 MiB: a cluster's objects are a few megabytes; a device or a mistake is endless.
    private static let bytesMax = 256 * 1024 * 1024

    /// - Parameter isFirst: a pipe is read as well, which can be done once.
    static func read(
        _ path: String, isFirst: Bool = true
    ) throws(Unreadable) -> [SourceFile] {
        if path == "-" {
            return [SourceFile(name: "<stdin>", text: try contents(of: 0, named: "-"))]
        }
        guard let paths = try paths(inDirectory: path) else {
            return [try file(path, mayBePipe: isFirst)]
        }
        var files: [SourceFile] = []
        for path in paths { files.append(try file(path)) }
        return files
    }

    /// Of the same files, which are not kept in memory for it.
    static func digest(of path: String) throws(Unreadable) -> ContentDigest {
        var digest = ContentDigest()
        for path in try paths(inDirectory: path) ?? [path] {
            let descriptor = try openForReading(path)
            defer { close(descriptor) }
            var byteCount = 0
            try read(descriptor, named: path) { chunk throws(Unreadable) in
                digest.add(chunk)
                byteCount += chunk.count
            }
            digest.endFile(byteCount: byteCount)
        }
        return digest
    }

    private static func file(
        _ path: String, mayBePipe: Bool = false
    ) throws(Unreadable) -> SourceFile {
        let descriptor = try openForReading(path, mayBePipe: mayBePipe)
        defer { close(descriptor) }
        return SourceFile(name: path, text: try contents(of: descriptor, named: path))
    }

    /// What tells one version of a file from another without reading it.
    struct Stamp: Equatable {
        let inode: UInt64
        let size: Int64
        let seconds: Int
        let nanoseconds: Int
    }

    /// Nil for a file that is not there.
    static func stamp(of path: String) -> Stamp? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return Stamp(
            inode: UInt64(status.st_ino), size: Int64(status.st_size),
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }

    /// Why a file cannot be read; nil when it can be.
    static func fault(ofFile path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return "\(Unreadable(path: path, code: errno))" }
        close(descriptor)
        return nil
    }

    static func bytes(ofFile path: String) throws(Unreadable) -> [UInt8] {
        let descriptor = try openForReading(path)
        defer { close(descriptor) }
        return try contents(of: descriptor, named: path)
    }

    /// - Parameter mayBePipe: otherwise it is refused. One that nobody writes to holds up who opens
    ///   it, and one that was read before is an empty file.
    private static func openForReading(
        _ path: String, mayBePipe: Bool = false
    ) throws(Unreadable) -> Int32 {
        // SAFETY: the string is lent for the time of the call.
        let descriptor = unsafe open(
            path, O_RDONLY | O_CLOEXEC | (mayBePipe ? 0 : O_NONBLOCK))
        guard descriptor >= 0 else { throw Unreadable(path: path, code: errno) }
        var status = stat()
        let isKnown = unsafe fstat(descriptor, &status) == 0
        guard mayBePipe || isKnown && [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) else {
            close(descriptor)
            throw Unreadable(path: path, reason: "it is a pipe or a device, and no file")
        }
        return descriptor
    }

    private static func contents(
        of descriptor: Int32, named path: String
    ) throws(Unreadable) -> [UInt8] {
        var all: [UInt8] = []
        // The size is a guess that spares copies; a pipe has none.
        var status = stat()
        if unsafe fstat(descriptor, &status) == 0, (1...bytesMax).contains(Int(status.st_size)) {
            all.reserveCapacity(Int(status.st_size))
        }
        try read(descriptor, named: path) { chunk throws(Unreadable) in
            for index in chunk.indices { all.append(chunk[index]) }
            guard all.count <= bytesMax else { throw Unreadable(path: path, code: EFBIG) }
        }
        return all
    }

    /// Hands over all bytes, piece by piece.
    private static func read(
        _ descriptor: Int32, named path: String,
        _ use: (Span<UInt8>) throws(Unreadable) -> Void
    ) throws(Unreadable) {
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            // SAFETY: the array's own memory and its count, for the length of the call.
            let count = unsafe chunk.withUnsafeMutableBytes { space in
                unsafe Glibc.read(descriptor, space.baseAddress, space.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Unreadable(path: path, code: errno) }
            if count == 0 { return }
            try use(chunk.span.extracting(..<count))
        }
    }

    /// Nil for what is no directory. One without such a file is no version of the configuration.
    private static func paths(inDirectory path: String) throws(Unreadable) -> [String]? {
        guard let names = entries(ofDirectory: path) else { return nil }
        guard !names.isEmpty else {
            throw Unreadable(path: path, reason: "it has no *.yaml or *.yml file")
        }
        return names.map { path + "/" + $0 }
    }

    static func isDirectory(_ path: String) -> Bool { entries(ofDirectory: path) != nil }

    /// The YAML files of a directory in the order of their names, or nil when it is none. Names
    /// that begin with a dot are left out: a mounted ConfigMap keeps its versions in `..data`.
    private static func entries(ofDirectory path: String) -> [String]? {
        guard let directory = unsafe opendir(path) else { return nil }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            // SAFETY: `d_name` is a terminated string inside the entry, valid until the next read.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe String(cString: UnsafeRawPointer(field).assumingMemoryBound(to: CChar.self))
            }
            if !name.hasPrefix("."), name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
                names.append(name)
            }
        }
        return names.sorted()
    }

    /// What `errno` means, in words.
    static func describeError(_ code: Int32) -> String {
        // SAFETY: `strerror` returns a terminated string that lives until the next call.
        unsafe String(cString: strerror(code))
    }
}
