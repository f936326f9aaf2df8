import ProxyCore

/// Collects what is said about the files, and finds the lines that go with it.
///
/// A class, because every reader of one load writes to the same list.
final class Findings {
    /// More are counted, not kept: a hostile file must not buy memory with mistakes.
    private static let countMax = 1_000
    /// Characters of a source line that are shown.
    private static let excerptMax = 160

    let files: [SourceFile]
    private let isStrict: Bool
    private var kept: [(position: Position, diagnostic: Diagnostic)] = []
    private var droppedCount = 0
    /// What was kept: two rules that use one service find the same mistake in it.
    private var seen: Set<Key> = []
    private(set) var hasError = false
    /// Byte offsets of line starts, for files that something was said about.
    private var lineStarts: [Int: [Int]] = [:]

    private struct Key: Hashable {
        var position: Position
        var message: String
    }

    /// Says what is wrong with a regular expression.
    let patternFault: (@Sendable (String) -> String?)?
    /// Says why a file cannot be read.
    var pathFault: (@Sendable (String) -> String?)?

    init(
        files: [SourceFile], isStrict: Bool, patternFault: (@Sendable (String) -> String?)? = nil
    ) {
        self.files = files
        self.isStrict = isStrict
        self.patternFault = patternFault
    }

    /// `help` may cost a search, and is asked for only when it will be shown.
    func add(
        _ severity: Diagnostic.Severity, _ message: String, at position: Position,
        help: @autoclosure () -> String? = nil
    ) {
        let isRaised = isStrict && severity == .warning
        keep(isRaised ? .error : severity, message, at: position, help: help())
    }

    /// Adds what is worth knowing, where nothing is wrong.
    func note(_ message: String, at position: Position) {
        keep(.note, message, at: position)
    }

    /// Adds a warning that stays one when warnings are errors.
    func advise(_ message: String, at position: Position) {
        keep(.warning, message, at: position, isAdvice: true)
    }

    private func keep(
        _ severity: Diagnostic.Severity, _ message: String, at position: Position,
        help: @autoclosure () -> String? = nil, isAdvice: Bool = false
    ) {
        if severity == .error { hasError = true }
        guard kept.count < Findings.countMax else {
            droppedCount += 1
            return
        }
        guard seen.insert(Key(position: position, message: message)).inserted else { return }
        var diagnostic = Diagnostic(
            severity: severity, file: files[position.file].name, line: position.line,
            column: position.column, length: position.length, message: message, help: help(),
            excerpt: excerpt(at: position))
        diagnostic.isAdvice = isAdvice
        kept.append((position, diagnostic))
    }

    /// Everything in the order of the files and lines.
    func sorted() -> [Diagnostic] {
        let ordered = kept.enumerated().sorted { left, right in
            let (a, b) = (left.element.position, right.element.position)
            return (a.file, a.line, a.column, left.offset) < (
                b.file, b.line, b.column, right.offset
            )
        }
        var list = ordered.map(\.element.diagnostic)
        if droppedCount > 0, var last = list.last {
            last.severity = hasError ? .error : .warning
            last.message = "\(droppedCount) more like these are not shown"
            last.help = nil
            list.append(last)
        }
        return list
    }

    func describe(_ position: Position) -> String {
        "\(files[position.file].name):\(position.line)"
    }

    func origin(_ position: Position) -> RouteOrigin {
        RouteOrigin(file: files[position.file].name, line: position.line)
    }

    private func excerpt(at position: Position) -> Diagnostic.Excerpt {
        let line = Array(visible(bytes(ofLine: position.line, in: position.file)).unicodeScalars)
        let caret = position.column - 1
        guard caret <= line.count else { return Diagnostic.Excerpt(text: "", caret: 0) }
        let start = caret < Findings.excerptMax ? 0 : caret - Findings.excerptMax / 2
        let end = min(line.count, start + Findings.excerptMax)
        var text = String.UnicodeScalarView()
        text.append(contentsOf: line[start..<end])
        return Diagnostic.Excerpt(text: String(text), caret: caret - start)
    }

    /// An excerpt cannot show it: a tab looks like spaces.
    func isIndentedByTab(line: Int, in file: Int) -> Bool {
        bytes(ofLine: line, in: file).prefix { $0 == 0x20 || $0 == 0x09 }.contains(0x09)
    }

    private func bytes(ofLine line: Int, in file: Int) -> ArraySlice<UInt8> {
        let text = files[file].text
        let starts = lineStarts(of: file)
        guard line >= 1, line <= starts.count else { return [] }
        let start = starts[line - 1]
        // 16 KiB: a line of many megabytes is not looked at whole for each mistake in it.
        let end = line < starts.count ? starts[line] - 1 : text.count
        return text[start..<min(end, start + 16_384)]
    }

    private func lineStarts(of file: Int) -> [Int] {
        if let known = lineStarts[file] { return known }
        var starts = [0]
        for (offset, byte) in files[file].text.enumerated() where byte == 0x0A {
            starts.append(offset + 1)
        }
        lineStarts[file] = starts
        return starts
    }
}

/// Text from a file, with what could drive a terminal replaced.
private func visible(_ bytes: ArraySlice<UInt8>) -> String {
    visible(String(decoding: bytes, as: UTF8.self))
}

private func visible(_ text: some StringProtocol) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars where scalar != "\r" {
        switch scalar.value {
        case 0x09: result.append(" ")
        case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069: result.append("\u{FFFD}")
        default: result.append(scalar)
        }
    }
    return String(result)
}

/// A value from a file, quoted for a message: short, and harmless on a terminal.
func quoted(_ text: some StringProtocol) -> String {
    let shown = visible(text.prefix(60))
    return text.utf8.count > 240 || text.count > 60 ? "'\(shown)...'" : "'\(shown)'"
}
