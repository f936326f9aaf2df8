import Foundation
import Testing

/// docs/http.md names a test for each rule.
@Suite("What the documentation says about tests")
struct DocumentedTestsTests {
    /// The names in the last column of the tables of docs/http.md.
    private static var names: [String] {
        let files = SourceTree.files(under: "docs", suffix: "http.md")
        let rows = files.flatMap { $0.text.split(separator: "\n") }.filter { $0.hasPrefix("| ") }
        return rows.compactMap { $0.split(separator: "|").last }
            .flatMap { $0.split(separator: ";") }
            .map { name in
                name.replacing(" (suite)", with: "")
                    .replacing("`Tests/ProxyCoreTests`: ", with: "")
                    .trimmingCharacters(in: .whitespaces)
            }
            .filter { !["", "test", "the same"].contains($0) }
    }

    @Test("every test that docs/http.md names exists")
    func existing() {
        let tests = SourceTree.swiftTests.map(\.text).joined()
        #expect(Self.names.count > 50)
        #expect(Self.names.filter { !tests.contains($0) } == [])
    }
}
