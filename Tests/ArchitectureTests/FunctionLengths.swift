/// Finds functions, initialisers and computed properties by their braces, and counts their lines.
struct FunctionLengths {
    struct Function: Equatable {
        var line: Int
        var lineCount: Int
    }

    private struct Block {
        var isFunction: Bool
        var line: Int
        var parenthesisDepth: Int
    }

    private(set) var functions: [Function] = []
    private var blocks: [Block] = []
    private var parenthesisDepth = 0
    private var line = 1
    /// The last word that says what a `{` opens, outside of parentheses.
    private var opener: Opener?
    private var word = ""

    private struct Opener {
        var word: String
        var line: Int
    }

    /// What may stand before a brace. A label such as `for` in a parameter list is in parentheses.
    private static let functionWords: Set<String> = ["func", "init", "deinit", "subscript", "var"]
    private static let otherWords: Set<String> = [
        "struct", "class", "enum", "protocol", "extension", "actor", "if", "else", "for", "while",
        "switch", "guard", "do", "catch", "repeat", "defer", "let", "return", "case",
    ]

    init(of code: SwiftCode) {
        for character in code.code {
            take(character)
        }
    }

    private mutating func take(_ character: Character) {
        if character.isLetter || character.isNumber || character == "_" {
            word.append(character)
            return
        }
        endWord()
        switch character {
        case "\n": line += 1
        case "(", "[": parenthesisDepth += 1
        case ")", "]": parenthesisDepth -= 1
        case "{": open()
        case "}": close()
        default: break
        }
    }

    private mutating func endWord() {
        let isOpener = Self.functionWords.contains(word) || Self.otherWords.contains(word)
        if isOpener && parenthesisDepth == 0 {
            opener = Opener(word: word, line: line)
        }
        word = ""
    }

    private mutating func open() {
        let isFunction = opener.map { Self.functionWords.contains($0.word) } ?? false
        blocks.append(
            Block(
                isFunction: isFunction, line: opener?.line ?? line,
                parenthesisDepth: parenthesisDepth))
        parenthesisDepth = 0
        opener = nil
    }

    private mutating func close() {
        opener = nil
        guard let block = blocks.popLast() else { return }
        parenthesisDepth = block.parenthesisDepth
        if block.isFunction {
            functions.append(Function(line: block.line, lineCount: line - block.line + 1))
        }
    }
}
