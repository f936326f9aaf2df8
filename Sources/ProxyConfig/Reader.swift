/// Reports what is wrong with a part of a file, as loudly as that part demands.
struct Reader {
    let findings: Findings
    /// What a mistake is here: an error in the short form, a warning in Kubernetes objects.
    let severity: Diagnostic.Severity
    /// What is read, put in front of every message: `Ingress default/shop: `, or nothing.
    let subject: String

    static func shortForm(_ findings: Findings) -> Reader {
        Reader(findings: findings, severity: .error, subject: "")
    }

    static func object(_ name: String, _ findings: Findings) -> Reader {
        Reader(findings: findings, severity: .warning, subject: name + ": ")
    }

    func fault(
        _ message: String, at position: Position, help: @autoclosure () -> String? = nil
    ) {
        findings.add(severity, subject + message, at: position, help: help())
    }

    func warn(
        _ message: String, at position: Position, help: @autoclosure () -> String? = nil
    ) {
        findings.add(.warning, subject + message, at: position, help: help())
    }

    func note(_ message: String, at position: Position) {
        findings.add(.note, subject + message, at: position)
    }

    /// `'weight' must be a whole number from 0 to 9, found 'x'`.
    func fault(_ entry: YAMLEntry, mustBe expected: String, help: @autoclosure () -> String? = nil)
    {
        let key = quoted(entry.key)
        let position = entry.value.isNull ? entry.keyPosition : entry.value.position
        fault("\(key) must be \(expected), found \(entry.value.found)", at: position, help: help())
    }
}
