import ProxyConfig
import Testing

@Suite struct HostileFilesTests {
    private func load(bytes: [UInt8]) -> ConfigurationResult {
        ConfigurationLoader.load([SourceFile(name: "routes.yaml", text: bytes)])
    }

    @Test(
        "a file that is no YAML is refused with its place",
        arguments: [
            (
                [0x61, 0x3A, 0x20, 0xFF],
                "1:4: error: not readable as YAML: invalid leading UTF-8 octet"
            ),
            (
                [0x0A, 0x61, 0x00],
                "2:2: error: not readable as YAML: control characters are not allowed"
            ),
            (
                Array("\té: *x".utf8),
                "1:1: error: not readable as YAML: while scanning for the next token: "
                    + "found character that cannot start any token"
            ),
            (
                Array("a: *none".utf8),
                "1:4: error: not readable as YAML: no anchor 'none' comes before this alias"
            ),
            (
                Array("a: &x [*x]".utf8),
                "1:8: error: not readable as YAML: no anchor 'x' comes before this alias"
            ),
            (
                Array("a: !!python/object x".utf8),
                "1:4: error: not readable as YAML: tags such as "
                    + "'tag:yaml.org,2002:python/object' are not supported"
            ),
            (
                Array("? [a]\n: b".utf8),
                "1:3: error: not readable as YAML: a key must be text, not a list or mapping"
            ),
            (
                Array("a: \"\\xZZ\"".utf8),
                "1:7: error: not readable as YAML: while parsing a quoted scalar: "
                    + "did not find expected hexdecimal number"
            ),
        ] as [([UInt8], String)])
    func unreadable(bytes: [UInt8], message: String) {
        let result = load(bytes: bytes)
        #expect(result.configuration == nil)
        #expect(result.summary == [message])
    }

    @Test(
        "a tab in front of a line is called a tab",
        arguments: [
            ("a:\n\t- b", true), ("a:\n  - b\n \tc: d", true), ("a:\n  - b\n c: [", false),
        ])
    func tabs(text: String, isTab: Bool) {
        let helps = ProxyConfigTests.load(text).diagnostics.map(\.help)
        let tab = "the line begins with a tab: YAML indents with spaces only"
        #expect(helps.contains(tab) == isTab)
    }

    @Test("aliases of aliases do not buy memory")
    func aliasBomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...12 {
            let items = repeatElement("*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(items)]\n"
        }
        let result = ProxyConfigTests.load(text)
        #expect(result.summary.contains { $0.hasSuffix("aliases stand for too many values") })
    }

    @Test("aliases do not nest deeper than lists may")
    func aliasLadder() {
        var text = "a0: &a0 [x]\n"
        for level in 1...70 { text += "a\(level): &a\(level) [*a\(level - 1)]\n" }
        let result = ProxyConfigTests.load(text)
        #expect(result.summary.contains { $0.hasSuffix("more than 64 levels deep") })
    }

    @Test("deep nesting is refused", arguments: ["[", "{a: ", "- ", "? "])
    func deepNesting(opening: String) {
        let result = ProxyConfigTests.load(String(repeating: opening, count: 100_000))
        #expect(result.configuration == nil)
        #expect(!result.diagnostics.isEmpty)
    }

    @Test("a huge scalar is shown short")
    func hugeScalar() {
        let result = ProxyConfigTests.load("workers: " + String(repeating: "a", count: 1_000_000))
        #expect(result.rendered.utf8.count < 1_000)
    }

    @Test("what could drive a terminal is not printed")
    func terminalEscapes() {
        let result = ProxyConfigTests.load(#"workers: "\e[2J""# + " # \u{9B}31m")
        #expect(!result.rendered.unicodeScalars.contains("\u{1B}"))
        #expect(!result.rendered.unicodeScalars.contains("\u{9B}"))
    }

    @Test("a thousand mistakes are shown, the others counted")
    func manyMistakes() throws {
        let text = (0..<3_000).map { "key\($0): 1\n" }.joined()
        let result = ProxyConfigTests.load(text)
        #expect(result.diagnostics.count == 1_001)
        #expect(result.diagnostics.last?.message == "2000 more like these are not shown")
        #expect(result.configuration == nil)
    }

    /// Bytes that touch every part of the grammar, so that cuts and flips reach every reader.
    private static let seed = Array(
        """
        listeners: [{address: "[::1]:80"}]
        nodes: &n [10.0.0.1]
        services:
          a: {nodePort: 30080, sessionAffinity: ClientIP}
          b: {backends: [10.0.0.1:80, {address: 10.0.0.2:80, weight: 2}]}
        routes:
          - {host: "*.a.example", path: /x, service: a, annotations: {affinity: cookie}}
        timeouts: {connect: 5s}
        sourceAddresses: *n
        ---
        kind: Ingress
        apiVersion: networking.k8s.io/v1
        metadata: {name: i, annotations: {l7proxy.io/session-cookie-max-age: "5"}}
        spec: {rules: [{http: {paths: [{backend: {service: {name: s, port: {number: 80}}}}]}}]}
        ---
        {kind: Service, apiVersion: v1, metadata: {name: s}, \
        spec: {ports: [{port: 80, nodePort: 1}]}}
        """.utf8)

    @Test("a file cut anywhere never traps, and is a configuration or an error")
    func everyCut() {
        for length in 0...HostileFilesTests.seed.count {
            let result = load(bytes: Array(HostileFilesTests.seed.prefix(length)))
            let hasError = result.diagnostics.contains { $0.severity == .error }
            #expect((result.configuration == nil) == hasError)
        }
    }

    @Test(
        "a file with any byte changed never traps", arguments: [0x00, 0x22, 0x2D, 0x3A, 0x7B, 0xFF])
    func everyByteChanged(byte: UInt8) {
        for index in HostileFilesTests.seed.indices {
            var bytes = HostileFilesTests.seed
            bytes[index] = byte
            let result = load(bytes: bytes)
            let hasError = result.diagnostics.contains { $0.severity == .error }
            #expect((result.configuration == nil) == hasError)
        }
    }
}
