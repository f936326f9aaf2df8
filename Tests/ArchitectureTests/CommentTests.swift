import Testing

@Suite("What comments owe the reader")
struct CommentTests {
    static let documents =
        ["Sources", "Tests", "docs", "config", "scripts", "Benchmarks"].flatMap { folder in
            ["", ".md"].flatMap { SourceTree.files(under: folder, suffix: $0) }
        }

    @Test("every use of unsafe has its SAFETY comment near", arguments: SourceTree.swiftSources)
    func unsafeHasReasons(file: SourceTree.File) {
        #expect(Rules.unsafeWithoutReason(file) == [])
    }

    @Test("work that is put off names its issue", arguments: SourceTree.swiftSources)
    func tasks(file: SourceTree.File) {
        #expect(Rules.strayTasks(file) == [])
    }

    @Test("no file speaks of one author's machine")
    func paths() {
        #expect(Self.documents.flatMap(Rules.privatePaths) == [])
    }
}
