import Glibc
import Testing

@testable import L7Proxy

/// What the documentation says of metrics, held against a running proxy.
@Suite("Metrics and their documentation")
struct DocumentedMetricsTests {
    /// A row of the table in docs/admin.md.
    private struct Row {
        let names: [String]
        let kind: String
        let labels: Set<String>
    }

    private static func document(_ name: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let file = unsafe open("/\(root)/docs/\(name)", O_RDONLY)
        try #require(file >= 0)
        defer { close(file) }
        var text: [UInt8] = []
        var space = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            // SAFETY: the array's own memory and count, for the length of the call.
            let count = unsafe space.withUnsafeMutableBytes { space in
                unsafe read(file, space.baseAddress, space.count)
            }
            if count <= 0 { break }
            text += space[..<count]
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func rows() throws -> [Row] {
        try document("admin.md").split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.filter { $0 != " " } }
            let names = (cells.first ?? "").split(separator: ",").map { $0.filter { $0 != "`" } }
            guard cells.count > 3, ["counter", "gauge", "histogram"].contains(cells[1]) else {
                return nil
            }
            let labels = cells[2].prefix { $0 != "(" }.split(separator: ",").map(String.init)
            return Row(names: names, kind: cells[1], labels: Set(labels))
        }
    }

    /// A proxy where every family has a sample, and what it says.
    private static func scrape() throws -> [String] {
        let backend = try ScriptedBackend(ScriptedBackend.answering(ok()))
        let proxy = try ProxyUnderTest(
            file: """
                services:
                  shop: {backends: ['\(backend.address)'], queue: {length: 1}}
                routes: [{service: shop, annotations: {affinity: cookie}}]
                """, backends: [backend], admin: "{address: '127.0.0.1:0'}")
        let client = try proxy.connect(sending: get())
        #expect(try client.readMessage().status == 200)
        return try proxy.connectAdmin().asks("/metrics").bodyText.split(separator: "\n")
            .map(String.init)
    }

    private static func families(_ lines: [String]) -> [String: String] {
        var families: [String: String] = [:]
        for line in lines where line.hasPrefix("# TYPE ") {
            let words = line.split(separator: " ")
            #expect(families[String(words[2])] == nil, "twice: \(line)")
            families[String(words[2])] = String(words[3])
        }
        return families
    }

    @Test("docs/admin.md lists every metric with its type, and no other")
    func listed() throws {
        let families = Self.families(try Self.scrape())
        var documented: [String: String] = [:]
        for row in try Self.rows() {
            for name in row.names { documented[name] = row.kind }
        }
        #expect(families.count > 40)
        #expect(documented == families)
    }

    @Test("docs/admin.md names the labels of every metric")
    func labels() throws {
        var found: [String: Set<String>] = [:]
        for line in try Self.scrape() where !line.hasPrefix("#") {
            guard let brace = line.firstIndex(of: "{") else { continue }
            var name = String(line[..<brace])
            for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix("seconds" + suffix) {
                name.removeLast(suffix.count)
            }
            let names = line[line.index(after: brace)...].split(separator: "=\"").map { part in
                String(part.reversed().prefix { $0.isLetter || $0 == "_" }.reversed())
            }
            found[name, default: []].formUnion(names.filter { !$0.isEmpty && $0 != "le" })
        }
        let rows = try Self.rows()
        #expect(found.count > 20)
        for (name, labels) in found {
            let row = try #require(rows.first { $0.names.contains(name) }, "\(name)")
            #expect(row.labels.isSuperset(of: labels), "\(name)")
        }
    }

    @Test("every metric that docs/operations.md names for a fault exists")
    func faults() throws {
        let families = Set(Self.families(try Self.scrape()).keys)
        let text = try Self.document("operations.md")
        let cells = text.split(separator: "\n").filter { $0.hasPrefix("| ") }
            .map { $0.split(separator: "|", omittingEmptySubsequences: false) }
            .filter { $0.count == 7 || $0.count == 6 }.map { $0[$0.count - 2] }
        let names = cells.flatMap { $0.split(separator: "`") }.compactMap { word -> String? in
            let name = word.prefix { ($0.isLowercase && $0.isASCII) || $0 == "_" }
            let isName = name.count == word.count || word.dropFirst(name.count).first == "{"
            return isName && !name.isEmpty ? String(name) : nil
        }
        #expect(Set(names).count > 20)
        let known = families.flatMap { family -> [String] in
            let short = family.hasPrefix("l7proxy_") ? String(family.dropFirst(8)) : family
            return [short, short.hasSuffix("_total") ? String(short.dropLast(6)) : short]
        }
        #expect(Set(names).subtracting(known) == [])
    }
}
