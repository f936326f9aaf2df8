/// Swift source with the contents of comments and strings blanked out, line for line and column for
/// column, so that a rule can look for words and braces without a compiler.
///
/// It reads text, not grammar: regex literals are unknown to it, and nothing here uses them.
struct SwiftCode {
    /// The source with every comment and string turned to spaces; line breaks stay.
    let code: String
    /// The source as it is written.
    let source: String

    init(_ source: String) {
        self.source = source
        var stripper = Stripper(source)
        code = stripper.strip()
    }

    var sourceLines: [Substring] { source.split(separator: "\n", omittingEmptySubsequences: false) }
    var codeLines: [Substring] { code.split(separator: "\n", omittingEmptySubsequences: false) }

    /// The modules that this file imports.
    var imports: [String] {
        codeLines.compactMap { line in
            var words = line.split(separator: " ")
            while let first = words.first, first.hasPrefix("@") || Self.accessWords.contains(first)
            {
                words.removeFirst()
            }
            guard words.first == "import", words.count >= 2 else { return nil }
            let path = Self.importKinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
            return path.split(separator: ".").first.map(String.init)
        }
    }

    /// The words of the code, each as often as it stands there.
    var words: [Substring] {
        code.split { !($0.isLetter || $0.isNumber || $0 == "_") }
    }

    private static let accessWords: Set<Substring> = ["public", "package", "internal", "private"]
    private static let importKinds: Set<Substring> = [
        "struct", "class", "enum", "protocol", "func", "let", "var", "typealias",
    ]
}

/// Walks the characters once and copies what is code.
private struct Stripper {
    private let input: [Character]
    private var position = 0
    private var output = ""

    init(_ source: String) {
        input = Array(source)
        output.reserveCapacity(input.count)
    }

    mutating func strip() -> String {
        while position < input.count {
            step()
        }
        return output
    }

    private func sees(_ text: String) -> Bool {
        input[position...].starts(with: text)
    }

    private mutating func copy() {
        output.append(input[position])
        position += 1
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where position < input.count {
            output.append(input[position] == "\n" ? "\n" : " ")
            position += 1
        }
    }

    /// One piece of code, or one whole comment or string.
    private mutating func step() {
        if sees("//") {
            while position < input.count, input[position] != "\n" { blank() }
        } else if sees("/*") {
            blockComment()
        } else if input[position] == "\"" || (input[position] == "#" && isRawString) {
            string()
        } else {
            copy()
        }
    }

    private mutating func blockComment() {
        var depth = 0
        repeat {
            if sees("/*") {
                depth += 1
                blank(2)
            } else if sees("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && position < input.count
    }

    private var isRawString: Bool {
        input[position...].first { $0 != "#" } == "\""
    }

    private mutating func string() {
        let pounds = String(input[position...].prefix { $0 == "#" })
        blank(pounds.count)
        let quote = sees("\"\"\"") ? "\"\"\"" : "\""
        blank(quote.count)
        while position < input.count, !sees(quote + pounds) {
            if sees("\\" + pounds + "(") {
                blank(2 + pounds.count)
                interpolation()
            } else if sees("\\" + pounds) {
                blank(2 + pounds.count)
            } else {
                blank()
            }
        }
        blank(quote.count + pounds.count)
    }

    /// What stands between `\(` and its `)` is code again, strings of its own included.
    private mutating func interpolation() {
        var depth = 1
        while position < input.count, depth > 0 {
            depth += input[position] == "(" ? 1 : input[position] == ")" ? -1 : 0
            if depth == 0 { blank() } else { step() }
        }
    }
}
