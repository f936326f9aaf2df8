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

/// Where something stands in the files. Every value of a file has one, so it is small.
struct Position: Hashable, Sendable {
    private let fileNumber: UInt16
    private let characterCount: UInt16
    private let lineNumber: UInt32
    private let columnNumber: UInt32

    init(file: Int, line: Int, column: Int, length: Int = 1) {
        fileNumber = UInt16(clamping: file)
        characterCount = UInt16(clamping: length)
        lineNumber = UInt32(clamping: line)
        columnNumber = UInt32(clamping: column)
    }

    /// Position in the list of files.
    var file: Int { Int(fileNumber) }
    /// From 1.
    var line: Int { Int(lineNumber) }
    /// From 1, in characters.
    var column: Int { Int(columnNumber) }
    /// Characters on that line, at least 1.
    var length: Int { Int(characterCount) }
}
