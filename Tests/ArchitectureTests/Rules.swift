/// The rules of the house that a machine can check. Each takes a file and names what breaks it.
enum Rules {
    /// What each module may import: the floor plan of ARCHITECTURE.md.
    static let allowedImports: [String: Set<String>] = [
        "HTTPParser": [],
        "StickyPolicy": ["HTTPParser", "Synchronization"],
        "ProxyCore": ["HTTPParser", "StickyPolicy"],
        "ProxyConfig": ["ProxyCore", "StickyPolicy", "CYAML"],
        "Transport": ["CLinux", "CSSL", "Glibc", "Synchronization"],
        "L7Proxy": [
            "HTTPParser", "StickyPolicy", "ProxyCore", "ProxyConfig", "Transport", "CLinux",
            "CPCRE2", "CSSL", "Glibc", "Synchronization", "ArgumentParser", "Logging",
        ],
    ]

    /// Modules that decide and never act: no clock, no chance, no output.
    static let pureModules: Set<String> = [
        "HTTPParser", "StickyPolicy", "ProxyCore", "ProxyConfig",
    ]
    static let impureWords: Set<Substring> = [
        "ContinuousClock", "SuspendingClock", "SystemRandomNumberGenerator", "print", "debugPrint",
        "readLine", "FileManager", "Thread", "getenv",
    ]
    /// The system floor knows bytes and addresses; what they say is not its business.
    static let httpWords = ["http", "request", "response", "route", "cookie"]

    static let columnsMax = 100
    static let fileLinesMax = 500
    static let functionLinesMax = 60
    /// A SAFETY comment speaks for the uses of `unsafe` near it: a function is its reach.
    static let safetyReach = functionLinesMax

    static func forbiddenImports(_ file: SourceTree.File) -> [String] {
        guard let allowed = allowedImports[file.module] else {
            return ["\(file.path): the module \(file.module) is not on the floor plan"]
        }
        return SwiftCode(file.text).imports.filter { !allowed.contains($0) }
            .map { "\(file.path) imports \($0)" }
    }

    static func impurities(_ file: SourceTree.File) -> [String] {
        guard pureModules.contains(file.module) else { return [] }
        let words = Set(SwiftCode(file.text).words)
        return words.intersection(impureWords).sorted().map { "\(file.path) uses \($0)" }
    }

    static func httpWordsInTransport(_ file: SourceTree.File) -> [String] {
        guard file.module == "Transport" else { return [] }
        return Set(SwiftCode(file.text).words).sorted().filter { word in
            httpWords.contains { word.lowercased().contains($0) }
        }.map { "\(file.path) says \($0)" }
    }

    static func longLines(_ file: SourceTree.File) -> [String] {
        SwiftCode(file.text).sourceLines.enumerated().filter { $1.count > columnsMax }
            .map { "\(file.path):\($0.offset + 1) has \($0.element.count) columns" }
    }

    static func tooManyLines(_ file: SourceTree.File) -> [String] {
        let count = SwiftCode(file.text).sourceLines.count - 1
        return count > fileLinesMax ? ["\(file.path) has \(count) lines"] : []
    }

    static func longFunctions(_ file: SourceTree.File) -> [String] {
        FunctionLengths(of: SwiftCode(file.text)).functions
            .filter { $0.lineCount > functionLinesMax }
            .map { "\(file.path):\($0.line): a function of \($0.lineCount) lines" }
    }

    /// Work that is put off belongs to an issue, which is named: `(#12)` or a link.
    static func strayTasks(_ file: SourceTree.File) -> [String] {
        lines(of: file) { line in
            ["TODO", "FIXME", "XXX"].contains { line.contains($0) } && !line.contains("#")
        }
    }

    /// Paths of one author's machine mean nothing to anybody else.
    static func privatePaths(_ file: SourceTree.File) -> [String] {
        lines(of: file) { line in
            ["/wo" + "rk/", "sha" + "red/", "/ho" + "me/"].contains { line.contains($0) }
        }
    }

    /// Handing a C function the address of a variable, `&limit`, needs no reason beside it: for the
    /// time of the call the language guarantees that address and its exclusive use.
    static func unsafeWithoutReason(_ file: SourceTree.File) -> [String] {
        let code = SwiftCode(file.text)
        let reasons = code.sourceLines.indices.filter { code.sourceLines[$0].contains("SAFETY:") }
        return code.codeLines.enumerated().filter { line in
            line.element.split { !($0.isLetter || $0 == "_") }.contains("unsafe")
                && !passesOwnAddress(line.element)
                && !reasons.contains { abs($0 - line.offset) <= safetyReach }
        }.map { "\(file.path):\($0.offset + 1): unsafe without a SAFETY comment near" }
    }

    private static func passesOwnAddress(_ line: Substring) -> Bool {
        line.indices.contains { index in
            line[index] == "&" && line[line.index(after: index)...].first?.isLetter == true
        }
    }

    private static func lines(
        of file: SourceTree.File, where isBad: (Substring) -> Bool
    ) -> [String] {
        SwiftCode(file.text).sourceLines.enumerated().filter { isBad($1) }
            .map { "\(file.path):\($0.offset + 1): \($0.element)" }
    }
}
