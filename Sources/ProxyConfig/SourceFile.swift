/// One routes file as text. Reading it from the disk is the program's task.
package struct SourceFile: Sendable {
    /// As people know it, and the place that its relative paths start from.
    package var name: String
    package var text: [UInt8]

    package init(name: String, text: [UInt8]) {
        self.name = name
        self.text = text
    }

    package init(name: String, text: String) {
        self.init(name: name, text: Array(text.utf8))
    }

    /// A path of this file made independent of it: relative ones start at the file's directory.
    func resolve(_ path: String) -> String {
        guard !path.hasPrefix("/"), let slash = name.lastIndex(of: "/") else { return path }
        return name[...slash] + path
    }
}

/// Where something stands in the files.
struct Position: Hashable, Sendable {
    /// Position in the list of files.
    var file: Int
    /// From 1.
    var line: Int
    /// From 1, in characters.
    var column: Int
    /// Characters on that line, at least 1.
    var length = 1
}
