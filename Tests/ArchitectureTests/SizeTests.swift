import Testing

@Suite("The sizes of the house")
struct SizeTests {
    static let files = SourceTree.swiftSources + SourceTree.swiftTests

    @Test("no line is longer than 100 columns", arguments: files)
    func columns(file: SourceTree.File) {
        #expect(Rules.longLines(file) == [])
    }

    @Test("no file is longer than 500 lines", arguments: files)
    func fileLines(file: SourceTree.File) {
        #expect(Rules.tooManyLines(file) == [])
    }

    @Test("no function is longer than 60 lines", arguments: files)
    func functionLines(file: SourceTree.File) {
        #expect(Rules.longFunctions(file) == [])
    }
}
