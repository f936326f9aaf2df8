import Foundation
import Testing

/// docs/operations.md quotes the log: operators search for these words.
@Suite("What the documentation says about the log")
struct DocumentedLogLinesTests {
    /// What stands in backticks in the columns of the tables that are about the log, and in the
    /// sentences that quote a line about a backend or a service.
    private static var quotes: [String] {
        let files = SourceTree.files(under: "docs", suffix: "operations.md")
        var quotes: [String] = []
        var column: Int?
        for line in files.flatMap({ $0.text.split(separator: "\n") }) {
            let cells = line.split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
            if line.hasPrefix("| "), let found = cells.firstIndex(where: { $0.hasPrefix("log") }) {
                column = found
            } else if !line.hasPrefix("|") {
                column = nil
            } else if let column, cells.indices.contains(column) {
                quotes += quoted(in: cells[column]).filter { !$0.hasPrefix("l7proxy_") }
            }
        }
        let prose = files.map { $0.text.replacing("\n", with: " ") }.joined()
        return quotes + quoted(in: prose).filter { $0.hasPrefix("service S ") }
    }

    private static func quoted(in text: String) -> [String] {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .compactMap { $0.offset % 2 == 1 ? String($0.element) : nil }
    }

    /// The words of a quote between what stands for something: `B`, `N`, `10.0`, `...`.
    private static func fixedParts(of quote: String) -> [[String]] {
        let text = quote.map { ":;,()".contains($0) ? " . " : String($0) }.joined()
        let words = text.split(separator: " ").map(String.init)
        return words.split { !$0.contains(where: \.isLowercase) }.map(Array.init)
    }

    /// Whether these words follow each other in what the sources say: as they are, or from pieces
    /// of three words and more, as where one message tells the reason of another.
    private static func isSaid(_ words: ArraySlice<String>, in sources: String) -> Bool {
        if sources.contains(words.joined(separator: " ")) { return true }
        return stride(from: words.count - 3, through: 3, by: -1).contains { count in
            sources.contains(words.prefix(count).joined(separator: " "))
                && isSaid(words.dropFirst(count), in: sources)
        }
    }

    /// Without what explains it.
    private static func code(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.trimmingCharacters(in: .whitespaces).hasPrefix("//") }
            .joined(separator: "\n")
    }

    @Test("every line of the log that docs/operations.md quotes is one that the sources write")
    func existing() throws {
        let continuation = try Regex("\\\\\\n\\s*")
        let sources = SourceTree.files(under: "Sources", suffix: ".swift")
            .map { Self.code($0.text).replacing(continuation, with: "") }.joined()
            .split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(Self.quotes.count > 45)
        let unsaid = Self.quotes.filter { quote in
            !Self.fixedParts(of: quote).allSatisfy { Self.isSaid($0[...], in: sources) }
        }
        #expect(unsaid == [])
    }
}
