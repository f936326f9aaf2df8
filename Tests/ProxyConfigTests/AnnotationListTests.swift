import Testing

@testable import ProxyConfig

/// What docs/annotations.md says of each name is what the program does with it.
@Suite("The list of annotations")
struct AnnotationListTests {
    /// The standing of each name in the list.
    private static let listed: [(name: String, standing: String)] = {
        guard let bytes = try? projectFile("docs/annotations.md") else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.trimmingSpaces }
            guard cells.count > 1, cells[0].hasPrefix("`") else { return nil }
            return (name: String(cells[0].dropFirst().dropLast()), standing: String(cells[1]))
        }
    }()

    @Test("it has every name that the program knows, once, and no other")
    func complete() {
        let names = Self.listed.map(\.name)
        #expect(names.sorted() == AnnotationVocabulary.names.sorted())
    }

    @Test("the standing of each name is what becomes of it")
    func standings() throws {
        for (name, standing) in Self.listed {
            let expected =
                switch try #require(AnnotationVocabulary.standing(of: name)) {
                case .supported: ["same", "differs", "ours"]
                case .ignored: ["gone"]
                case .pending: ["warned"]
                case .guarding: ["closed"]
                }
            #expect(expected.contains(standing), "\(name) is \(standing)")
        }
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        var rest = drop { $0 == " " }
        while rest.last == " " { rest.removeLast() }
        return rest
    }
}
