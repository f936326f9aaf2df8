import Testing

/// The rules themselves, on small sources: each must catch what it is there for.
@Suite("The rules catch what breaks them")
struct RulesTests {
    private func file(_ text: String, in module: String = "HTTPParser") -> SourceTree.File {
        SourceTree.File(path: "Sources/\(module)/Sample.swift", text: text)
    }

    @Test(
        "an import is found however it is written",
        arguments: [
            "import Glibc", "public import Glibc", "package import Glibc", "@testable import Glibc",
            "@preconcurrency public import Glibc", "import func Glibc.read",
            "/* a */ import Glibc", "  import Glibc // why",
        ])
    func importForms(text: String) {
        let broken = "Sources/HTTPParser/Sample.swift imports Glibc"
        #expect(Rules.forbiddenImports(file(text)) == [broken])
    }

    @Test(
        "an import in a comment or a string is none",
        arguments: ["// import Glibc", "let a = \"import Glibc\"", "/*\nimport Glibc\n*/"])
    func importsThatAreNone(text: String) {
        #expect(Rules.forbiddenImports(file(text)) == [])
    }

    @Test("a module may use what its row of the table names, and nothing else")
    func table() {
        #expect(Rules.forbiddenImports(file("import HTTPParser", in: "ProxyCore")) == [])
        #expect(Rules.forbiddenImports(file("import Transport", in: "ProxyCore")).count == 1)
        #expect(Rules.forbiddenImports(file("import ProxyCore", in: "Transport")).count == 1)
        #expect(Rules.forbiddenImports(file("import Foundation", in: "L7Proxy")).count == 1)
        #expect(Rules.forbiddenImports(file("", in: "Unknown")).count == 1)
    }

    @Test("a clock in a pure module is found, on the roof it is welcome")
    func clocks() {
        let text = "let now = ContinuousClock().now"
        #expect(Rules.impurities(file(text, in: "ProxyCore")).count == 1)
        #expect(Rules.impurities(file(text, in: "L7Proxy")) == [])
        #expect(Rules.impurities(file("// ContinuousClock", in: "ProxyCore")) == [])
    }

    @Test("a word of HTTP in Transport is found, inside a name too")
    func httpWords() {
        #expect(Rules.httpWordsInTransport(file("var lastRequest = 0", in: "Transport")).count == 1)
        #expect(Rules.httpWordsInTransport(file("var lastBytes = 0", in: "Transport")) == [])
        #expect(Rules.httpWordsInTransport(file("var lastRequest = 0", in: "ProxyCore")) == [])
    }

    @Test("100 columns are allowed, 101 are not")
    func columns() {
        #expect(Rules.longLines(file(String(repeating: "x", count: 100))) == [])
        #expect(Rules.longLines(file(String(repeating: "x", count: 101))).count == 1)
    }

    @Test("500 lines are allowed, 501 are not")
    func fileLines() {
        #expect(Rules.tooManyLines(file(String(repeating: "x\n", count: 500))) == [])
        #expect(Rules.tooManyLines(file(String(repeating: "x\n", count: 501))).count == 1)
    }

    @Test(
        "a function's lines are counted to its closing brace",
        arguments: [
            "func f() {", "init(for x: Int) {", "deinit {", "var x: Int {",
            "subscript(i: Int) -> Int {",
            "static func f<T>(_ x: T = 1) -> [Int] where T: P {",
        ])
    func functionLines(head: String) {
        func source(lines: Int) -> String {
            let body = String(repeating: "  if a { b(\"}\\(c)}\") } // {\n", count: lines - 2)
            return "struct S {\n  \(head)\n\(body)  }\n}\n"
        }
        #expect(Rules.longFunctions(file(source(lines: 60))) == [])
        #expect(
            Rules.longFunctions(file(source(lines: 61)))
                == ["Sources/HTTPParser/Sample.swift:2: a function of 61 lines"])
    }

    @Test("a type is not a function, however long")
    func types() {
        let members = String(repeating: "  var a = 1\n", count: 80)
        #expect(Rules.longFunctions(file("struct S {\n\(members)}\n")) == [])
        #expect(Rules.longFunctions(file("struct S {\n\(members)enum E {\n\(members)}}\n")) == [])
    }

    @Test("braces in strings of every kind do not count")
    func stringBraces() {
        let text = ##"""
            func f() {
              let a = "{ \(g("{")) {"
              let b = #"{ " \( "#
              let c = """
                { "{
                """
            }
            """##
        #expect(FunctionLengths(of: SwiftCode(text)).functions == [.init(line: 1, lineCount: 7)])
    }

    @Test("unsafe needs a SAFETY comment within the reach of a function")
    func unsafeCode() {
        let gap = String(repeating: "\n", count: Rules.safetyReach)
        #expect(Rules.unsafeWithoutReason(file("let a = unsafe b")).count == 1)
        #expect(Rules.unsafeWithoutReason(file("// SAFETY: c.\nlet a = unsafe b")) == [])
        #expect(Rules.unsafeWithoutReason(file("// SAFETY: c.\(gap)\nlet a = unsafe b")).count == 1)
        #expect(Rules.unsafeWithoutReason(file("guard unsafe getrlimit(a, &b) == 0")) == [])
        #expect(Rules.unsafeWithoutReason(file("if a && unsafe b.load() & 1 == 0 {")).count == 1)
        #expect(Rules.unsafeWithoutReason(file("// unsafe\nlet unsafely = \"unsafe\"")) == [])
    }

    @Test("a task without an issue and a private path are found")
    func words() {
        #expect(Rules.strayTasks(file("// TO" + "DO: later")).count == 1)
        #expect(Rules.strayTasks(file("// TO" + "DO(#12): later")) == [])
        #expect(Rules.privatePaths(file("// see /wo" + "rk/notes")).count == 1)
        #expect(Rules.privatePaths(file("// see docs/notes")) == [])
    }

    @Test("a circle of files is found, over a third file too, and a line of uses is none")
    func circles() {
        func file(_ name: String, _ text: String) -> SourceTree.File {
            SourceTree.File(path: "Sources/M/\(name).swift", text: text)
        }
        let a = file("A", "struct A { var b: B }")
        let b = file("B", "enum B { case c(C) }")
        #expect(FileCircles([a, b, file("C", "struct C {}")]).circles == [])
        #expect(FileCircles([a, b, file("C", "struct C { /* A */ }")]).circles == [])
        #expect(
            FileCircles([
                a, b, file("C", "final class C { func f(_ x: A) {} }"), file("D", "let a: A"),
            ])
            .circles == [["Sources/M/A.swift", "Sources/M/B.swift", "Sources/M/C.swift"]])
    }
}
