/// Which file of a module uses names that which other file declares, and whether that goes in a
/// circle. A name that two files declare is left out, and so are members: they are reached through
/// their type.
struct FileCircles {
    /// For each file, the files of the same module whose types it names.
    private(set) var uses: [String: Set<String>] = [:]

    init(_ files: [SourceTree.File]) {
        let sources = files.map { (file: $0, words: SwiftCode($0.text).words.map(String.init)) }
        var homes: [String: Set<String>] = [:]
        for (file, words) in sources {
            for name in Self.declaredTypes(words) {
                homes["\(file.module).\(name)", default: []].insert(file.path)
            }
        }
        for (file, words) in sources {
            let others = Set(words).compactMap { word -> String? in
                guard let paths = homes["\(file.module).\(word)"], paths.count == 1 else {
                    return nil
                }
                return paths.first == file.path ? nil : paths.first
            }
            uses[file.path] = Set(others)
        }
    }

    /// Groups of files that reach each other, each group and the list in alphabetical order.
    var circles: [[String]] {
        let reached = Dictionary(uniqueKeysWithValues: uses.keys.map { ($0, reachable(from: $0)) })
        let groups = reached.compactMap { path, others -> [String]? in
            // A file that comes back to itself stands in a circle with all those on the way.
            others.contains(path)
                ? others.filter { reached[$0]?.contains(path) == true }.sorted() : nil
        }
        return Set(groups).sorted { $0.lexicographicallyPrecedes($1) }
    }

    private func reachable(from start: String) -> Set<String> {
        var seen: Set<String> = []
        var next = Array(uses[start] ?? [])
        while let path = next.popLast() {
            if seen.insert(path).inserted { next += uses[path] ?? [] }
        }
        return seen
    }

    private static let typeWords: Set<String> = [
        "struct", "class", "enum", "protocol", "actor", "typealias",
    ]

    private static func declaredTypes(_ words: [String]) -> [String] {
        zip(words, words.dropFirst()).filter { pair in
            typeWords.contains(pair.0) && pair.1.first?.isUppercase == true
        }.map(\.1)
    }
}
