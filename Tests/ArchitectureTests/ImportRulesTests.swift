import Testing

@Suite("The floor plan")
struct ImportRulesTests {
    static let files = SourceTree.swiftSources

    @Test("every module imports only what its floor allows", arguments: files)
    func imports(file: SourceTree.File) {
        #expect(Rules.forbiddenImports(file) == [])
    }

    @Test("every module of the floor plan is there")
    func modules() {
        #expect(Set(Self.files.map(\.module)) == Set(Rules.allowedImports.keys))
    }

    @Test("at most one file knows YAML")
    func oneFileKnowsYAML() {
        let knowing = Self.files.filter { SwiftCode($0.text).imports.contains("CYAML") }
        #expect(knowing.count <= 1, "\(knowing.map(\.path))")
    }

    @Test("the pure floor has no clock, no chance and no output", arguments: files)
    func purity(file: SourceTree.File) {
        #expect(Rules.impurities(file) == [])
    }

    @Test("the system floor does not speak of HTTP", arguments: files)
    func systemFloor(file: SourceTree.File) {
        #expect(Rules.httpWordsInTransport(file) == [])
    }

    /// Circles that ARCHITECTURE.md lists with their reason, each in alphabetical order.
    static let acceptedCircles: [[String]] = []

    @Test("no two files of a module use each other's types in a circle")
    func fileCircles() {
        #expect(FileCircles(Self.files).circles == Self.acceptedCircles)
    }
}
