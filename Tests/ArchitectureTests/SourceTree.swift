import Foundation
import Testing

/// The files of this package, as the rules see them.
enum SourceTree {
    struct File: Sendable, CustomTestStringConvertible {
        /// From the root of the package, as in `Sources/HTTPParser/ByteRange.swift`.
        var path: String
        var text: String

        var name: String { path.split(separator: "/").last.map(String.init) ?? path }
        /// The target's folder: the second part of the path.
        var module: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
        var testDescription: String { path }
    }

    static let root: URL = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let swiftSources = files(under: "Sources", suffix: ".swift")
    static let swiftTests = files(under: "Tests", suffix: ".swift")

    /// All files under a folder of the package whose name ends so, in the order of their paths.
    static func files(under folder: String, suffix: String) -> [File] {
        let base = root.appending(path: folder).resolvingSymlinksInPath()
        let paths = FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String }
        return (paths ?? []).filter { $0.hasSuffix(suffix) }.sorted().compactMap { path in
            let url = base.appending(path: path)
            return (try? String(contentsOf: url, encoding: .utf8)).map {
                File(path: "\(folder)/\(path)", text: $0)
            }
        }
    }
}
