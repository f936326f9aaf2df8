/// One thing to say about a routes file, with the place it is about.
package struct Diagnostic: Sendable, Equatable {
    package enum Severity: UInt8, Sendable, Comparable {
        /// Worth knowing; nothing is wrong.
        case note
        /// Something is not as it was written, and the rest works; `strict` makes it an error.
        case warning
        /// There is no configuration.
        case error

        package static func < (left: Severity, right: Severity) -> Bool {
            left.rawValue < right.rawValue
        }

        package var word: String {
            switch self {
            case .note: "note"
            case .warning: "warning"
            case .error: "error"
            }
        }
    }

    package var severity: Severity
    /// A warning about how the proxy is run, not about a mistake in the file: `strict` leaves it a
    /// warning, since no edit of a correct file is asked for.
    package var isAdvice = false
    package var file: String
    /// From 1.
    package var line: Int
    /// From 1, in characters.
    package var column: Int
    /// Characters that the message is about, at least 1.
    package var length: Int
    package var message: String
    /// What is allowed, or what was perhaps meant.
    package var help: String?
    /// The line of the file, fit for a terminal, and where in it `column` is now (from 0).
    package var excerpt = Excerpt(text: "", caret: 0)

    package struct Excerpt: Sendable, Equatable {
        package var text: String
        package var caret: Int
    }

    /// As compilers print it: place and message, the line with a caret, then the help.
    package var rendered: String {
        var text = "\(file):\(line):\(column): \(severity.word): \(message)"
        let number = String(line)
        let margin = String(repeating: " ", count: number.count + 1)
        if !excerpt.text.isEmpty {
            let caret = String(repeating: " ", count: excerpt.caret) + "^"
            let room = max(0, excerpt.text.unicodeScalars.count - excerpt.caret - 1)
            let tail = String(repeating: "~", count: min(length - 1, room))
            text += "\n \(number) | \(excerpt.text)\n\(margin) | \(caret)\(tail)"
        }
        if let help { text += "\n\(margin)   \(help)" }
        return text
    }
}
